package tui

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/tui/effect"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/shell"
)

// Session is a lesson that is in progress; *lesson.Session is one. The caller that opened it closes it.
type Session interface {
	feed.Lesson
	Answerer
	Checker
	Stepper
	Experimenter
}

// Answerer takes answers to the questions of a step.
type Answerer interface {
	Predict(option, confidence string) error
	Observe(answer string) error
	Answer(checkID, text string) error
}

// Checker evaluates goals and opens hints.
type Checker interface {
	Check() error
	Hint() error
}

// Stepper goes from one step to another.
type Stepper interface {
	Next() error
	Prev() error
}

// Experimenter runs what a step does to the shop.
type Experimenter interface {
	Run(ctx context.Context) error
	Reset(ctx context.Context) error
	Solve(ctx context.Context, step string) error
	// SetColumns sets how wide the output of the step's command is to be, in cells.
	SetColumns(n int)
}

// What a screen needs of the program around it.
type (
	// Runner runs shopctl itself.
	Runner = effect.Shell
	// Shop is a connection to the daemon; *control.Client is one.
	Shop = effect.Shop
	// Calls makes the calls of the call pane.
	Calls = effect.Calls
	// Stop suspends the process.
	Stop = effect.Stop
)

// Verb is a command that the palette offers.
type Verb = shell.Verb

// Config is the dependencies and the look of a screen.
type Config struct {
	In  io.Reader
	Out io.Writer
	// Environ is the environment of the process; the terminal's abilities are read from it.
	Environ []string
	Color   bool
	ASCII   bool
	// Accessible draws linear text: no boxes, words for symbols.
	Accessible bool

	// Name is the shop's name.
	Name string
	// Dial connects to the daemon. It is called again whenever the connection is lost.
	Dial func(ctx context.Context) (Shop, error)
	Run  Runner
	// Calls makes the calls of the call pane.
	Calls Calls
	// Verbs are completed by the palette.
	Verbs []Verb
	// Now returns the current time; times are shown in its zone.
	Now func() time.Time
	// Stop suspends the process on ctrl+z and on stop signals; nil: Bubble Tea does, on ctrl+z alone.
	Stop Stop
	// Editor is a command that edits a file: "code --wait"; empty: vi.
	Editor string
	// Plain is a command that shows the same on any terminal: "ps --stats".
	Plain string
}

// framesPerSecond is how often Bubble Tea checks whether there is something to draw: often enough to answer a key
// within 50 ms, and no more often, because these checks are the whole cost of an idle screen.
const framesPerSecond = 24

// RunDash shows the dashboard until the user quits.
func RunDash(ctx context.Context, c Config) error { return run(ctx, c, nil) }

// RunLesson shows a lesson next to the shop until the user quits. It does not close the session.
func RunLesson(ctx context.Context, c Config, s Session) error { return run(ctx, c, s) }

func run(ctx context.Context, c Config, s Session) error {
	environ := slices.Clone(c.Environ)
	if !c.Color {
		environ = append(environ, "NO_COLOR=1")
	}
	inside, stop := context.WithCancel(ctx)
	defer stop()
	var p *tea.Program
	cmds := newCommands(c, s, func(msg tea.Msg) { p.Send(msg) })
	m := newModel(c, s, cmds)
	p = tea.NewProgram(m,
		tea.WithInput(c.In), tea.WithOutput(c.Out), tea.WithEnvironment(environ),
		tea.WithoutSignalHandler(), // the command's context ends with a signal
		tea.WithFPS(framesPerSecond),
	)
	var background sync.WaitGroup
	background.Go(func() { cmds.Feed().Run(inside) })
	if c.Stop != nil {
		caught, release := c.Stop.Catch()
		defer release()
		background.Go(func() { cmds.SuspendOnSignal(inside, caught) })
	}
	background.Go(func() {
		<-inside.Done()
		p.Quit() // rather than ending the program's context, which would leave its reader behind
	})
	_, err := p.Run()
	interrupted := context.Cause(ctx)
	stop()
	background.Wait()
	cmds.Close()
	switch {
	case m.crash != nil:
		return m.crash
	case err != nil:
		return fmt.Errorf("draw the screen: %w", err)
	}
	return interrupted
}

// newCommands makes the side effects of a screen, and the feed that it shows.
func newCommands(c Config, s Session, send func(tea.Msg)) *effect.Commands {
	all := effect.Config{Send: send, Dial: c.Dial, Shell: c.Run, Calls: c.Calls, Stop: c.Stop, Now: c.Now}
	if s != nil {
		all.Lesson = s
	}
	return effect.New(all)
}
