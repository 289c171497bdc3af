package lesson

import (
	"context"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// baseline is the state of the shop when a step was entered. It is read at once, and again when it is needed if that
// failed.
type baseline struct {
	entered time.Time

	mu    sync.Mutex // held while the shop is read: all who wait need the result
	known bool
	base  probe.Baseline
}

// get returns the baseline; without a shop to read, its time alone.
func (b *baseline) get(ctx context.Context, env probe.Env) probe.Baseline {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known {
		return b.base
	}
	base, err := env.Baseline(ctx, b.entered)
	if err != nil {
		return probe.Baseline{Since: b.entered}
	}
	b.base, b.known = base, true
	return base
}
