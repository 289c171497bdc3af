package internalcmd

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryIsGivenBackAfterTheStartAndWheneverAProcessHasBeenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var allocated uint64 = 5 << 20
		releases := 0
		go whileIdle(ctx, 5*time.Second, func() uint64 { return allocated }, func() { releases++ })
		for _, step := range []struct {
			after     time.Duration
			allocates uint64
			want      int
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
			allocated += step.allocates
			time.Sleep(step.after)
			synctest.Wait()
			if releases != step.want {
				t.Errorf("%s: memory was given back %d times, not %d", step.why, releases, step.want)
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
