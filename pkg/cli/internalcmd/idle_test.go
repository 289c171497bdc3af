package internalcmd

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryIsGivenBackAfterTheStartAndWheneverAProcessHasBeenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var allocated, releases atomic.Uint64
		allocated.Store(5 << 20)
		go whileIdle(ctx, 5*time.Second, allocated.Load, func() { releases.Add(1) })
		for _, step := range []struct {
			after     time.Duration
			allocates uint64
			want      uint64
			why       string
		}{
			{4 * time.Second, 0, 0, "it still starts"},
			{2 * time.Second, 0, 1, "it has started"},
			{idleTime, 100 << 10, 1, "too little to collect"},
			{idleTime, 1 << 20, 2, "idle, and enough to collect with what was before"},
			{idleTime, 100 << 20, 2, "busy"},
			{idleTime, 10 << 10, 3, "idle again, after much that is garbage now"},
			{10 * idleTime, 0, 3, "nothing new"},
		} {
			allocated.Add(step.allocates)
			time.Sleep(step.after)
			synctest.Wait()
			if got := releases.Load(); got != step.want {
				t.Errorf("%s: memory was given back %d times, not %d", step.why, got, step.want)
			}
		}
	})
}

func TestAProcessKnowsWhatItAllocates(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); saveMemory(ctx) }()
	cancel()
	<-done
}
