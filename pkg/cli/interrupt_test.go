package cli

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

func TestTheFirstSignalEndsTheCommandAndTheSecondThePatience(t *testing.T) {
	i := &interrupts{again: make(chan struct{})}
	signals := make(chan os.Signal)
	ctx, stop := i.watch(t.Context(), signals)
	defer stop()
	signals <- os.Interrupt
	<-ctx.Done()
	if !errors.Is(context.Cause(ctx), cmdutil.ErrInterrupted) {
		t.Errorf("the cause is %v", context.Cause(ctx))
	}
	select {
	case <-i.again:
		t.Error("one signal counted as two")
	default:
	}
	signals <- syscall.SIGTERM
	<-i.again
}

func TestACommandCanTakeTheSignals(t *testing.T) {
	i := &interrupts{again: make(chan struct{})}
	signals := make(chan os.Signal)
	ctx, stop := i.watch(t.Context(), signals)
	defer stop()
	taken, release := i.take()
	signals <- os.Interrupt
	if sig := <-taken; sig != os.Interrupt {
		t.Errorf("took %v", sig)
	}
	if ctx.Err() != nil {
		t.Error("a taken signal ended the context")
	}
	release()
	signals <- os.Interrupt
	<-ctx.Done()
}
