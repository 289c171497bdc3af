package tui

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/lesson"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Shop is a connection to the daemon; *control.Client is one.
type Shop interface {
	controlpb.ShopClient
	controlpb.TracesClient
	controlpb.MetricsClient
	controlpb.TopologyClient
	Close() error
}

// Session is a lesson under way; *lesson.Session is one. The caller who opened it closes it.
type Session interface {
	Snapshot() lesson.View
	Changes() <-chan struct{}
	Predict(option, confidence string) error
	Run(ctx context.Context) error
	Observe(answer string) error
	Answer(checkID, text string) error
	Check() error
	Hint() error
	Next() error
	Prev() error
	Reset(ctx context.Context) error
	Solve(ctx context.Context, step string) error
}

// Runner runs shopctl itself with args, writes both streams to out and returns the exit code; an error
// means that the command did not run.
type Runner func(ctx context.Context, args []string, out io.Writer) (exit int, err error)

// Verb is a command that the palette offers: "fault inject", "SERVICE", "Make calls fail or wait".
type Verb struct {
	Name, Args, Short string
}

// Config is what the screen is made from.
type Config struct {
	In  io.Reader
	Out io.Writer
	// Environ is the process' environment, which tells what the terminal can do.
	Environ []string
	Color   bool
	ASCII   bool
	// Accessible asks for linear text: no boxes, words for symbols.
	Accessible bool

	// Name is the shop's name.
	Name string
	// Dial connects to the daemon. It is called again whenever the connection is lost.
	Dial func(ctx context.Context) (Shop, error)
	Run  Runner
	// Calls is what the pane for calls calls through.
	Calls Calls
	// Verbs are what the palette completes.
	Verbs []Verb
	// Now tells the time; times are shown in its zone.
	Now func() time.Time
	// Stop stops the process by ctrl+z, or when others ask for it; nil: Bubble Tea does, by the key alone.
	Stop Stop
	// Plain is a command that shows the same on any terminal: "ps --stats".
	Plain string
}

// framesPerSecond is how often Bubble Tea looks for something to draw: often enough for a key to answer
// within 50 ms, and no oftener, as looking is all that an idle screen costs.
const framesPerSecond = 24

// RunDash shows the dashboard until the user quits.
func RunDash(ctx context.Context, c Config) error { return run(ctx, c, nil) }

// RunLesson shows a lesson beside the shop until the user quits. It does not close the session.
func RunLesson(ctx context.Context, c Config, s Session) error { return run(ctx, c, s) }

func run(ctx context.Context, c Config, s Session) error {
	environ := slices.Clone(c.Environ)
	if !c.Color {
		environ = append(environ, "NO_COLOR=1")
	}
	inside, stop := context.WithCancel(ctx)
	defer stop()
	var p *tea.Program
	f := newFeed(c, s, func(msg tea.Msg) { p.Send(msg) })
	h := &hands{ctx: inside, feed: f, session: s, shell: c.Run, calls: c.Calls, stop: c.Stop}
	m := newModel(c, s, h)
	p = tea.NewProgram(m,
		tea.WithInput(c.In), tea.WithOutput(c.Out), tea.WithEnvironment(environ),
		tea.WithoutSignalHandler(), // the command's context ends with a signal
		tea.WithFPS(framesPerSecond),
	)
	var beside sync.WaitGroup
	beside.Go(func() { f.run(inside) })
	if c.Stop != nil {
		caught, release := c.Stop.Catch()
		defer release()
		beside.Go(func() { h.stopped(inside, caught) })
	}
	beside.Go(func() {
		<-inside.Done()
		p.Quit() // rather than ending the program's context, which would leave its reader behind
	})
	_, err := p.Run()
	interrupted := context.Cause(ctx)
	stop()
	beside.Wait()
	h.wait()
	switch {
	case m.crash != nil:
		return m.crash
	case err != nil:
		return fmt.Errorf("draw the screen: %w", err)
	}
	return interrupted
}
