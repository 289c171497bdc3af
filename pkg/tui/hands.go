package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// owner is what faults belong to that this screen injects.
const owner = "dash"

// hands do what keys cause outside: each method returns a command for Bubble Tea, and done reports it.
type hands struct {
	ctx     context.Context // of the screen: commands end with it
	feed    *feed
	session Session
	shell   Runner
	calls   Calls
	stop    Stop // nil: Bubble Tea suspends

	mu     sync.Mutex
	closed bool
	all    sync.WaitGroup
	// stops end what runs and can be interrupted: commands of the palette, and calls.
	stops map[int]context.CancelFunc
	next  int // key in stops
}

// done is the end of something that a key began.
type done struct {
	what    string // "restart payment"
	command string // the command line that does the same, without shopctl
	text    string // what came of it; empty: what, in the past tense of its word, is enough
	err     error
}

// do makes a command of f, of which done reports.
func (h *hands) do(what, command string, f func(ctx context.Context) (string, error)) tea.Cmd {
	return h.run(func(ctx context.Context) tea.Msg {
		text, err := f(ctx)
		return done{what: what, command: command, text: text, err: err}
	})
}

// run makes a command of f, which the screen's end waits for.
func (h *hands) run(f func(ctx context.Context) tea.Msg) tea.Cmd {
	return func() (msg tea.Msg) {
		if !h.begin() {
			return nil
		}
		defer h.all.Done()
		defer func() {
			if cause := recover(); cause != nil {
				msg = crashed{what: "do what a key is for", cause: cause, stack: debug.Stack()}
			}
		}()
		return f(h.ctx)
	}
}

// begin counts something that the screen's end waits for; false if the screen has ended.
func (h *hands) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.all.Add(1)
	}
	return !h.closed
}

// wait lets no more begin, and returns when all that began has ended. The context has ended before.
func (h *hands) wait() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.all.Wait()
}

func (h *hands) onShop(what, command string, f func(ctx context.Context, shop Shop) (string, error)) tea.Cmd {
	return h.do(what, command, func(ctx context.Context) (string, error) {
		shop, err := h.feed.connection()
		if err != nil {
			return "", err
		}
		return f(ctx, shop)
	})
}

func (h *hands) edit(what, command string, r *controlpb.EditRequest) tea.Cmd {
	return h.onShop(what, command, func(ctx context.Context, shop Shop) (string, error) {
		_, err := shop.Edit(ctx, r)
		return "", err
	})
}

func (h *hands) inject(command string, r *controlpb.InjectFaultRequest) tea.Cmd {
	return h.onShop("break "+r.GetFault().GetService(), command, func(ctx context.Context, shop Shop) (string, error) {
		resp, err := shop.InjectFault(ctx, r)
		return "fault on " + r.GetFault().GetService() + ": " + resp.GetFault().GetPhrase(), err
	})
}

func (h *hands) clear(service string) tea.Cmd {
	return h.onShop("clear the faults of "+service, "fault clear "+service, func(ctx context.Context, shop Shop) (string, error) {
		resp, err := shop.ClearFaults(ctx, &controlpb.ClearFaultsRequest{Services: []string{service}})
		return "cleared " + humanize.Count(len(resp.GetFaults()), "fault") + " of " + service, err
	})
}

// listen asks the feed for logs.
func (h *hands) listen(number int, w wanted) tea.Cmd {
	return func() tea.Msg {
		h.feed.listen(number, w)
		return nil
	}
}

// look asks the feed for what the tab in view shows.
func (h *hands) look(number int, s sight) tea.Cmd {
	return func() tea.Msg {
		h.feed.look(number, s)
		return nil
	}
}

// shopctl runs a command line, and shows what it writes while it writes it.
func (h *hands) shopctl(args []string) tea.Cmd {
	line := strings.Join(args, " ")
	return h.do("run shopctl "+line, "", func(ctx context.Context) (string, error) {
		ctx, stop := h.interruptible(ctx)
		defer stop()
		out := &lineWriter{put: func(lines []entry) { h.feed.put(func(b *batch) { b.output = last(append(b.output, lines...)) }) }}
		exit, err := h.shell(ctx, args, out)
		out.flush()
		switch {
		case ctx.Err() != nil:
			out.line("interrupted")
			return "shopctl " + line + " was interrupted", nil
		case err != nil:
			out.line(err.Error())
			return "", err
		case exit != 0:
			out.line(fmt.Sprintf("exit code %d", exit))
			return fmt.Sprintf("shopctl %s ended with exit code %d", line, exit), nil
		}
		return "shopctl " + line + " is done", nil
	})
}

// mostRead bounds a file that is shown, in bytes.
const mostRead = 64 << 10

// readFile shows a file of the learner's in the output pane.
func (h *hands) readFile(path, name string) tea.Cmd {
	return h.do("read "+name, "", func(context.Context) (string, error) {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, mostRead))
		if err != nil {
			return "", err
		}
		lines := []entry{commandEntry("cat " + name)}
		for i, line := range cleanLines(string(text)) {
			lines = append(lines, plainEntry(fmt.Sprintf("%4d  %s", i+1, line)))
		}
		h.feed.put(func(b *batch) { b.output = last(append(b.output, lines...)) })
		return path, nil
	})
}

// interruptible is a context that interrupt ends; stop says that it is needed no more.
func (h *hands) interruptible(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stops == nil {
		h.stops = map[int]context.CancelFunc{}
	}
	n := h.next
	h.next++
	h.stops[n] = cancel
	return ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.stops, n)
		cancel()
	}
}

// running tells whether something runs that can be interrupted.
func (h *hands) running() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.stops) > 0
}

// interrupt ends what runs and can be interrupted; false if nothing does.
func (h *hands) interrupt() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, stop := range h.stops {
		stop()
	}
	return len(h.stops) > 0
}

// lineWriter hands on whole lines.
type lineWriter struct {
	put  func([]entry)
	rest []byte
}

var _ io.Writer = (*lineWriter)(nil)

// Write takes a piece of output.
func (l *lineWriter) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	var lines []entry
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 {
			break
		}
		lines = append(lines, plainEntry(string(l.rest[:i])))
		l.rest = l.rest[i+1:]
	}
	if lines != nil {
		l.put(lines)
	}
	return len(p), nil
}

func (l *lineWriter) flush() {
	if len(l.rest) > 0 {
		l.line(string(l.rest))
		l.rest = nil
	}
}

func (l *lineWriter) line(text string) { l.put([]entry{plainEntry(text)}) }
