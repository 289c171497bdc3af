package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// owner is the owner of the faults that this screen injects.
const owner = "dash"

// commands performs the side effects of key presses. Each method returns a tea.Cmd that ends with a message, mostly
// doneMsg.
type commands struct {
	send  func(tea.Msg) // to the model, from where no tea.Cmd can be returned
	feed  *feed.Feed
	shop  *connection
	shell Runner
	calls Calls
	stop  Stop // nil: Bubble Tea suspends
	tasks tasks
}

// doneMsg is the end of something that a key began.
type doneMsg struct {
	what    string // "restart payment"
	command string // the equivalent command line, without shopctl
	text    string // the outcome; empty: "done: " and what
	err     error
}

// do makes a command of f that ends with a doneMsg.
func (c *commands) do(what, command string, f func(ctx context.Context) (string, error)) tea.Cmd {
	return c.run(func(ctx context.Context) tea.Msg {
		text, err := f(ctx)
		return doneMsg{what: what, command: command, text: text, err: err}
	})
}

// run makes a command of f. The end of the screen cancels it and waits for it.
func (c *commands) run(f func(ctx context.Context) tea.Msg) tea.Cmd {
	return func() (msg tea.Msg) {
		ctx, end, ok := c.tasks.begin()
		if !ok {
			return nil
		}
		defer end()
		defer func() {
			if cause := recover(); cause != nil {
				msg = feed.Crash{What: "run the command of a key", Cause: cause, Stack: debug.Stack()}
			}
		}()
		return f(ctx)
	}
}

// onShop makes a command that changes the shop.
func (c *commands) onShop(what, command string, f func(ctx context.Context, shop Control) (string, error)) tea.Cmd {
	return c.do(what, command, func(ctx context.Context) (string, error) {
		shop, err := c.shop.control()
		if err != nil {
			return "", err
		}
		return f(ctx, shop)
	})
}

func (c *commands) edit(what, command string, r *controlpb.EditRequest) tea.Cmd {
	return c.onShop(what, command, func(ctx context.Context, shop Control) (string, error) {
		_, err := shop.Edit(ctx, r)
		return "", err
	})
}

func (c *commands) inject(command string, r *controlpb.InjectFaultRequest) tea.Cmd {
	return c.onShop("break "+r.GetFault().GetService(), command, func(ctx context.Context, shop Control) (string, error) {
		resp, err := shop.InjectFault(ctx, r)
		return "fault on " + r.GetFault().GetService() + ": " + resp.GetFault().GetPhrase(), err
	})
}

func (c *commands) clearFaults(service string) tea.Cmd {
	return c.onShop("clear the faults of "+service, "fault clear "+service, func(ctx context.Context, shop Control) (string, error) {
		resp, err := shop.ClearFaults(ctx, &controlpb.ClearFaultsRequest{Services: []string{service}})
		return "cleared " + humanize.Count(len(resp.GetFaults()), "fault") + " of " + service, err
	})
}

// setLogs makes the feed follow other logs.
func (c *commands) setLogs(seq int, q feed.LogQuery) tea.Cmd {
	return func() tea.Msg {
		c.feed.SetLogs(seq, q)
		return nil
	}
}

// setQuery makes the feed poll for what the visible tab shows.
func (c *commands) setQuery(seq int, q feed.Query) tea.Cmd {
	return func() tea.Msg {
		c.feed.SetQuery(seq, q)
		return nil
	}
}

// runShopctl runs a command line, and shows its output as it is written.
func (c *commands) runShopctl(args []string) tea.Cmd {
	line := strings.Join(args, " ")
	return c.do("run shopctl "+line, "", func(ctx context.Context) (string, error) {
		ctx, stop := c.tasks.interruptible(ctx)
		defer stop()
		out := &lineWriter{put: c.feed.AddOutput}
		exit, err := c.shell(ctx, args, out)
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
		return "shopctl " + line + " has finished", nil
	})
}

// maxFile bounds a file that is shown, in bytes.
const maxFile = 64 << 10

// readFile shows one of the learner's files in the output pane.
func (c *commands) readFile(path, name string) tea.Cmd {
	return c.do("read "+name, "", func(context.Context) (string, error) {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxFile))
		if err != nil {
			return "", err
		}
		lines := []feed.Entry{feed.CommandEntry("cat " + name)}
		for i, line := range style.CleanLines(string(text)) {
			lines = append(lines, feed.TextEntry(fmt.Sprintf("%4d  %s", i+1, line)))
		}
		c.feed.AddOutput(lines)
		return path, nil
	})
}

// lineWriter passes on whole lines.
type lineWriter struct {
	put  func([]feed.Entry)
	rest []byte
}

var _ io.Writer = (*lineWriter)(nil)

// Write takes a piece of output.
func (l *lineWriter) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	var lines []feed.Entry
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 {
			break
		}
		lines = append(lines, feed.TextEntry(string(l.rest[:i])))
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

func (l *lineWriter) line(text string) { l.put([]feed.Entry{feed.TextEntry(text)}) }
