package cli

import (
	"context"
	"os"
	"sync"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// interrupts hands signals to whoever wants them: by default the first one ends the command's context,
// and a second one the process's patience; a command that stops things in steps takes them itself.
type interrupts struct {
	// again is closed by the second signal that nobody took: the command need not be waited for.
	again chan struct{}

	mu    sync.Mutex
	taken chan os.Signal
}

// watch returns a context that the first signal ends that nobody took, until stop is called.
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

// pass gives sig to the command that takes signals; false if none does.
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

// take hands all further signals to the caller, until release is called.
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
