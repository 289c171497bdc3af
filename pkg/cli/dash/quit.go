package dash

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// errQuit ends a screen on SIGQUIT.
var errQuit = cmdutil.HintErr(cmdutil.ExitInterrupted, "shopctl ps --stats", errors.New("the screen was ended by SIGQUIT"))

// untilQuit is a context that also ends with SIGQUIT, so that a screen restores the terminal first: otherwise Go prints
// all stacks onto the screen and exits.
func untilQuit(parent context.Context) (ctx context.Context, release func()) {
	ctx, end := context.WithCancelCause(parent)
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGQUIT)
	go func() {
		select {
		case <-caught:
			end(errQuit)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(caught)
		end(nil)
	}
}
