package dash

import (
	"context"
	"errors"
	"syscall"
	"testing"
)

func TestAScreenEndsWithSigquitAsWithItsContext(t *testing.T) {
	ctx, release := untilQuit(t.Context())
	defer release()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, errQuit) {
		t.Errorf("the screen ends by %v", cause)
	}
}
