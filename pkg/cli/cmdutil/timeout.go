package cmdutil

import (
	"context"
	"errors"
	"time"
)

// Within cancels ctx after d like context.WithTimeout, but without a deadline: gRPC would send a deadline to the
// daemon, which may reach it first and close the stream as if the daemon were exiting.
func Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(d, func() { cancel(context.DeadlineExceeded) })
	return ctx, func() {
		timer.Stop()
		cancel(nil)
	}
}

// TimedOut reports whether err was caused by the timeout of ctx, a context from Within.
func TimedOut(ctx context.Context, err error) bool {
	return err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}
