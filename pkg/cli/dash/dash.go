// Package dash starts the terminal UI: the dashboard, and lessons on the whole screen.
package dash

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui"
)

// Screens runs the full-screen views of the shop and its lessons.
type Screens struct {
	f *cmdutil.Factory
	// tree returns the commands for the palette.
	tree func() *cobra.Command
	// calls returns the calls for the call form; done closes their connections.
	calls func() (calls tui.Calls, done func())
}

// NewScreens returns the screens of a shop.
func NewScreens(f *cmdutil.Factory, tree func() *cobra.Command, calls func() (calls tui.Calls, done func())) *Screens {
	return &Screens{f: f, tree: tree, calls: calls}
}

func NewCmd(s *Screens) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dash",
		Short: "Open the dashboard: services, logs, traces, metrics, alerts and the call graph",
		Long: `Show every service with its state, rates, errors and latencies, the logs of the selected service, and events. Tabs show
traces with their waterfalls, plots of metrics, alerts and their rules, the call graph, objects as manifests, and a form
that calls any method. Firing alerts and the impact of faults are shown at the top of every view. Keys restart, stop,
break and call services; ? lists them, and each has an equivalent command.`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return s.RunDash(cmd.Context()) },
	}
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitEnvironment, cmdutil.ExitInterrupted)
}

// RunDash is `shopctl dash`, and shopctl without arguments on a terminal.
func (s *Screens) RunDash(ctx context.Context) error {
	f := s.f
	if !cmdutil.Interactive(f.IO, f.Getenv) {
		return cmdutil.HintErr(cmdutil.ExitEnvironment, f.IO.Command("ps --stats"), errors.New("show the dashboard: it needs an interactive terminal"))
	}
	c, done := s.config("ps --stats")
	defer done()
	ctx, release := untilQuit(ctx)
	defer release()
	return tui.RunDash(ctx, c)
}

// RunLesson shows a lesson in full screen until the user leaves it. plain is the equivalent command line for any
// terminal.
func (s *Screens) RunLesson(ctx context.Context, session *lesson.Session, plain string) error {
	c, done := s.config(plain)
	defer done()
	ctx, release := untilQuit(ctx)
	defer release()
	c.Run = func(ctx context.Context, args []string, columns int, out io.Writer) (int, error) {
		session.SetColumns(columns)
		return session.Typed(ctx, args, out)
	}
	return tui.RunLesson(ctx, c, session)
}

// config returns the configuration of a screen; done releases its resources after the screen has ended.
func (s *Screens) config(plain string) (c tui.Config, done func()) {
	f := s.f
	calls, done := s.calls()
	return tui.Config{
		Calls: calls, Stop: processStop{},
		In: f.IO.In, Out: f.IO.Out.Screen(), Environ: f.Environ,
		Color: f.IO.Color, ASCII: f.IO.ASCII, Accessible: f.IO.Accessible,
		Name:   f.IO.ShopName,
		Dial:   dialScreen(f.Shop),
		Run:    rerun(f.IO, f.Environ, f.Executable),
		Verbs:  tuiVerbs(s.tree()),
		Now:    f.Now,
		Editor: cmp.Or(f.Getenv("VISUAL"), f.Getenv("EDITOR")),
		Plain:  f.IO.Command(plain),
	}, done
}

func dialScreen(connect cmdutil.Connect) func(ctx context.Context) (tui.Shop, error) {
	return func(ctx context.Context) (tui.Shop, error) {
		shop, err := connect(ctx)
		if err != nil {
			return nil, err
		}
		return shop, nil
	}
}

// rerun runs shopctl with args, as in another terminal.
func rerun(ios *iostreams.IO, environ []string, executable string) tui.Runner {
	return func(ctx context.Context, args []string, columns int, out io.Writer) (int, error) {
		cmd := exec.CommandContext(ctx, executable, append([]string{"--name", ios.ShopName, "--no-tui"}, args...)...)
		cmd.Env, cmd.Stdout, cmd.Stderr = append(slices.Clone(environ), fmt.Sprintf("COLUMNS=%d", columns)), out, out
		err := cmd.Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode(), nil
		}
		if err != nil {
			return 0, fmt.Errorf("run shopctl: %w", err)
		}
		return 0, nil
	}
}
