package cli

import (
	"context"
	"os"
	"sync"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// interrupts dispatches signals: by default the first one cancels the command's context, and a second one exits at
// once; a command that stops in several steps can take the signals itself.
type interrupts struct {
	// again is closed by the second signal that no command took: Main then exits without waiting for the command.
	again chan struct{}

	mu    sync.Mutex
	taken chan os.Signal
}

// watch returns a context that is canceled by the first signal that no command took, until stop is called.
func (i *interrupts) watch(parent context.Context, signals <-chan os.Signal) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	quit := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for count := 0; ; {
			select {
			case sig := <-signals:
				if i.pass(sig) {
					continue
				}
				cancel(cmdutil.ErrInterrupted)
				if count++; count == 2 {
					close(i.again)
				}
			case <-quit:
				return
			}
		}
	}()
	return ctx, func() {
		close(quit)
		<-done
		cancel(nil)
	}
}

// pass sends sig to the command that takes signals; false if there is none.
func (i *interrupts) pass(sig os.Signal) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.taken == nil {
		return false
	}
	select {
	case i.taken <- sig:
	default: // enough are waiting already
	}
	return true
}

// take sends all further signals to the caller, until release is called.
func (i *interrupts) take() (signals <-chan os.Signal, release func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.taken = make(chan os.Signal, 4)
	return i.taken, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.taken = nil
	}
}
