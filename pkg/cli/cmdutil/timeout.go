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

// ErrLate reports that what was waited for has not come about in time.
var ErrLate = errors.New("not done in time")

// grace is how long a first look may go on once the time is over: a daemon that has not responded by then is not going to.
const grace = 10 * time.Second

// Poll looks again and again until there is nothing left that it waits for: look returns what that is, or "". Once bounded, a context
// from Within of ctx, has ended it returns what it waited for at last, and ErrLate. The first look may take longer: what is true
// already is seen, and what is not is named, however short the time is.
func Poll(ctx, bounded context.Context, every time.Duration, look func(context.Context) (waitsFor string, err error)) (waitsFor string, err error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	waitsFor, err = firstLook(ctx, bounded, look)
	for err == nil && waitsFor != "" {
		select {
		case <-tick.C:
			var now string
			if now, err = look(bounded); err == nil {
				waitsFor = now
			}
		case <-bounded.Done():
			err = bounded.Err()
		}
		if TimedOut(bounded, err) {
			err = ErrLate
		}
	}
	return waitsFor, err
}

// firstLook looks once, and gives up a while after bounded has ended.
func firstLook(ctx, bounded context.Context, look func(context.Context) (string, error)) (string, error) {
	patient, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(bounded, func() {
		select {
		case <-time.After(grace):
			cancel(context.DeadlineExceeded)
		case <-patient.Done():
		}
	})()
	waitsFor, err := look(patient)
	if TimedOut(patient, err) {
		err = HintErr(ExitInconclusive, "shopctl doctor", errors.New("the daemon does not respond"))
	}
	return waitsFor, err
}
