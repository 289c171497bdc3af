package effect

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Commands performs the side effects of key presses. Each method that returns a tea.Cmd ends with a message, mostly
// Done.
type Commands struct {
	send  func(tea.Msg) // to the model, from where no tea.Cmd can be returned
	feed  *feed.Feed
	shop  *connection
	shell Shell
	calls Calls
	stop  Stop // nil: Bubble Tea suspends
	tasks tasks
}

// Shell runs shopctl itself with args, writes both streams to out, laid out for so many columns, and returns the exit
// code; an error means that the command did not run.
type Shell func(ctx context.Context, args []string, columns int, out io.Writer) (exit int, err error)

// Config is what the commands of a screen act on.
type Config struct {
	// Send gives a message to the model.
	Send func(tea.Msg)
	// Dial connects to the daemon.
	Dial func(ctx context.Context) (Shop, error)
	// Lesson is the lesson that is open, nil if there is none.
	Lesson feed.Lesson
	Shell  Shell
	Calls  Calls
	Stop   Stop
	Now    func() time.Time
}

// New makes the side effects of a screen, and the feed that it shows.
func New(c Config) *Commands {
	shop := &connection{}
	source := feed.Config{Dial: shop.track(c.Dial), Send: c.Send, Lesson: c.Lesson, Now: c.Now}
	return &Commands{send: c.Send, feed: feed.New(source), shop: shop, shell: c.Shell, calls: c.Calls, stop: c.Stop}
}

// Feed is what the screen shows.
func (c *Commands) Feed() *feed.Feed { return c.feed }

// SetShop replaces the connection that keys use; nil: there is none.
func (c *Commands) SetShop(shop Control) { c.shop.set(shop) }

// Interruptible returns a context that Interrupt cancels; stop must be called when it is no longer needed.
func (c *Commands) Interruptible(parent context.Context) (_ context.Context, stop func()) {
	return c.tasks.interruptible(parent)
}

// Running reports whether a command is running that can be interrupted.
func (c *Commands) Running() bool { return c.tasks.running() }

// Interrupt cancels the commands that can be interrupted; false if there are none.
func (c *Commands) Interrupt() bool { return c.tasks.interrupt() }

// Close cancels all commands, lets no other begin, and returns when all have ended.
func (c *Commands) Close() { c.tasks.close() }

// Done is the end of something that a key began.
type Done struct {
	What    string // "restart payment"
	Command string // the equivalent command line, without shopctl
	Text    string // the outcome; empty: "done: " and What
	Err     error
}

// Do makes a command of f that ends with a Done.
func (c *Commands) Do(what, command string, f func(ctx context.Context) (string, error)) tea.Cmd {
	return c.run(func(ctx context.Context) tea.Msg {
		text, err := f(ctx)
		return Done{What: what, Command: command, Text: text, Err: err}
	})
}

// run makes a command of f. The end of the screen cancels it and waits for it.
func (c *Commands) run(f func(ctx context.Context) tea.Msg) tea.Cmd {
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
func (c *Commands) onShop(what, command string, f func(ctx context.Context, shop Control) (string, error)) tea.Cmd {
	return c.Do(what, command, func(ctx context.Context) (string, error) {
		shop, err := c.shop.control()
		if err != nil {
			return "", err
		}
		return f(ctx, shop)
	})
}

func (c *Commands) Edit(what, command string, r *controlpb.EditRequest) tea.Cmd {
	return c.onShop(what, command, func(ctx context.Context, shop Control) (string, error) {
		_, err := shop.Edit(ctx, r)
		return "", err
	})
}

func (c *Commands) Inject(command string, r *controlpb.InjectFaultRequest) tea.Cmd {
	return c.onShop("break "+r.GetFault().GetService(), command, func(ctx context.Context, shop Control) (string, error) {
		resp, err := shop.InjectFault(ctx, r)
		return "fault on " + r.GetFault().GetService() + ": " + resp.GetFault().GetPhrase(), err
	})
}

func (c *Commands) ClearFaults(service string) tea.Cmd {
	return c.onShop("clear the faults of "+service, "fault clear "+service, func(ctx context.Context, shop Control) (string, error) {
		resp, err := shop.ClearFaults(ctx, &controlpb.ClearFaultsRequest{Services: []string{service}})
		return "cleared " + humanize.Count(len(resp.GetFaults()), "fault") + " of " + service, err
	})
}

// SetLogs makes the feed follow other logs.
func (c *Commands) SetLogs(seq int, q feed.LogQuery) tea.Cmd {
	return func() tea.Msg {
		c.feed.SetLogs(seq, q)
		return nil
	}
}

// SetQuery makes the feed poll for what the visible tab shows.
func (c *Commands) SetQuery(seq int, q feed.Query) tea.Cmd {
	return func() tea.Msg {
		c.feed.SetQuery(seq, q)
		return nil
	}
}

// RunShopctl runs a command line, and shows its output as it is written, laid out for a width in cells.
func (c *Commands) RunShopctl(args []string, columns int) tea.Cmd {
	line := strings.Join(args, " ")
	return c.Do("run shopctl "+line, "", func(ctx context.Context) (string, error) {
		ctx, stop := c.tasks.interruptible(ctx)
		defer stop()
		out := &lineWriter{put: c.feed.AddOutput}
		exit, err := c.shell(ctx, args, columns, out)
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

// ReadFile shows one of the learner's files in the output pane.
func (c *Commands) ReadFile(path, name string) tea.Cmd {
	return c.Do("read "+name, "", func(context.Context) (string, error) {
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
