package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/lesson"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Shop is a connection to the daemon; *control.Client is one.
type Shop interface {
	controlpb.ShopClient
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
	// Verbs are what the palette completes.
	Verbs []Verb
	Now   func() time.Time
	// Plain is a command that shows the same on any terminal: "ps --stats".
	Plain string
}

// RunDash shows the dashboard until the user quits.
func RunDash(ctx context.Context, c Config) error { return run(ctx, c, nil) }

// RunLesson shows a lesson beside the shop until the user quits. It does not close the session.
func RunLesson(ctx context.Context, c Config, s Session) error { return run(ctx, c, s) }

func run(ctx context.Context, c Config, s Session) error {
	environ := slices.Clone(c.Environ)
	if !c.Color {
		environ = append(environ, "NO_COLOR=1")
	}
	p := tea.NewProgram(newModel(c, s),
		tea.WithContext(ctx), tea.WithInput(c.In), tea.WithOutput(c.Out), tea.WithEnvironment(environ),
		tea.WithoutSignalHandler(), // the command's context ends with a signal
		tea.WithFPS(30),
	)
	_, err := p.Run()
	switch {
	case err == nil, errors.Is(err, tea.ErrInterrupted):
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return fmt.Errorf("draw the screen: %w", err)
}
