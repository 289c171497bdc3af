package cmdutil

import (
	"context"
	"errors"
	"time"
)

// Within bounds ctx like context.WithTimeout, but tells nobody: gRPC would hand a deadline on to the
// daemon, which may notice its end first and close a stream as if it had gone.
func Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(d, func() { cancel(context.DeadlineExceeded) })
	return ctx, func() {
		timer.Stop()
		cancel(nil)
	}
}

// TimedOut tells whether err came of the end of ctx's time; ctx is one of within's.
func TimedOut(ctx context.Context, err error) bool {
	return err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}
