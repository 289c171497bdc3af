package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/tui"
)

func newDashCmd(f *Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dash",
		Short: "Watch the shop: services, logs, traces, metrics, alerts and the map on one screen",
		Long: `Show every service with its state, rates, errors and latencies, the logs of the chosen one, and what happens; in tabs
beside them the traces with their waterfalls, plots of the metrics, the alerts and their rules, the map of who calls
whom, the objects as manifests, and a form that calls any method. Alerts that fire and what faults do stand at the top
of every view. Keys restart, stop, break and call services; ? lists them, and everything they do is a command too.`,
		Args: exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runDash(cmd.Context(), f) },
	}
	return exits(cmd, exitOK, exitUsage, exitEnvironment, exitInterrupted)
}

// runDash is `shopctl dash`, and shopctl without a word on a terminal.
func runDash(ctx context.Context, f *Factory) error {
	if !Interactive(f) {
		return hintErr(exitEnvironment, f.IO.command("ps --stats"), errors.New("show the dashboard: it needs a terminal"))
	}
	c, done := tuiConfig(f, "ps --stats")
	defer done()
	return tui.RunDash(ctx, c)
}

// runLessonScreen shows a lesson on the terminal until the user leaves it. plain is a command line that
// does the same on any terminal.
func runLessonScreen(ctx context.Context, f *Factory, s tui.Session, plain string) error {
	c, done := tuiConfig(f, plain)
	defer done()
	return tui.RunLesson(ctx, c, s)
}

// tuiConfig is what a screen is made from; done ends what it holds once the screen has ended.
func tuiConfig(f *Factory, plain string) (c tui.Config, done func()) {
	calls, done := newScreenCalls(f)
	return tui.Config{
		Calls: calls, Stop: processStop{},
		In: f.IO.In, Out: f.IO.Out, Environ: f.Environ,
		Color: f.IO.Color, ASCII: f.IO.ASCII, Accessible: f.IO.Accessible,
		Name:  f.IO.ShopName,
		Dial:  dialScreen(f),
		Run:   rerun(f),
		Verbs: tuiVerbs(NewRoot(&Factory{IO: &IO{}, Getenv: f.Getenv, Now: f.Now})),
		Now:   f.Now,
		Plain: f.IO.command(plain),
	}, done
}

func dialScreen(f *Factory) func(ctx context.Context) (tui.Shop, error) {
	return func(ctx context.Context) (tui.Shop, error) {
		shop, err := f.Shop(ctx)
		if err != nil {
			return nil, err
		}
		return shop, nil
	}
}

// rerun runs shopctl itself with args, as somebody would in another terminal.
func rerun(f *Factory) func(ctx context.Context, args []string, out io.Writer) (int, error) {
	return func(ctx context.Context, args []string, out io.Writer) (int, error) {
		cmd := exec.CommandContext(ctx, f.Executable, append([]string{"--name", f.IO.ShopName, "--no-tui"}, args...)...)
		cmd.Env, cmd.Stdout, cmd.Stderr = f.Environ, out, out
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
