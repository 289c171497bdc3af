package lesson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/lesson"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

// beginSession begins a session that limits the commands of a lesson by another author, and returns its token; empty for
// a lesson that is trusted.
func beginSession(ctx context.Context, shop *control.Client, l *lesson.Lesson) (token string, err error) {
	if l.Trusted {
		return "", nil
	}
	begun, err := shop.BeginSession(ctx, &controlpb.BeginSessionRequest{Owner: lesson.Owner(l)})
	if err != nil {
		return "", fmt.Errorf("begin the lesson's session: %w", err)
	}
	return begun.GetToken(), nil
}

func endSession(ctx context.Context, shop *control.Client, token string) error {
	if token == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, killGrace)
	defer cancel()
	_, err := shop.EndSession(ctx, &controlpb.EndSessionRequest{Token: token})
	return err
}

// isBuiltin reports whether an image is that of a built-in service.
func isBuiltin(image string) bool {
	_, _, ok := services.ByImage(image)
	return ok
}

// lessonRunner runs shopctl on the lesson's shop.
type lessonRunner struct {
	executable string
	shop       string
	environ    []string
	// token is that of the lesson's session; empty for a lesson that may do what the user may.
	token string
}

// killGrace is the time that an interrupted command gets to exit.
const killGrace = 3 * time.Second

// Run implements lesson.Runner.
func (r lessonRunner) Run(ctx context.Context, c lesson.Command, out io.Writer) (int, error) {
	cmd := exec.CommandContext(ctx, r.executable, append(r.flags(), c.Args...)...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Dir, c.In, out, out
	if c.Out != nil {
		cmd.Stdout = c.Out
	}
	cmd.Env = append(append([]string{}, r.environ...), cmdutil.FaultOwnerEnv+"="+c.Owner, "SHOPCTL_NO_TUI=true", "SHOPCTL_QUIET=true", "NO_COLOR=1")
	if c.Columns > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("COLUMNS=%d", c.Columns))
	}
	if r.token != "" {
		cmd.Env = append(cmd.Env, "SHOPCTL_NAME="+r.shop, cmdutil.SessionEnv+"="+r.token, cmdutil.WorkspaceEnv+"="+c.Dir)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = killGrace
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return cmdutil.ExitInterrupted, ctx.Err()
	case errors.As(err, &exit):
		return exit.ExitCode(), nil
	case err != nil:
		return 0, fmt.Errorf("run shopctl: %w", err)
	}
	return 0, nil
}

// flags come before the words of a command, so that none of these is taken for the name of another program in this
// binary. A lesson by another author gets its shop from the environment: its commands have no --name.
func (r lessonRunner) flags() []string {
	if r.token != "" {
		return []string{"--no-tui"}
	}
	return []string{"--name", r.shop}
}
