package internalcmd

import (
	"context"
	"math/rand/v2"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// startTime is after how long a process has started, and what that took is garbage. The processes of a shop start together and
	// must not collect it together: so each waits up to twice as long.
	startTime = 4 * time.Second
	// idleTime is how often a process looks whether it has been idle.
	idleTime = time.Minute
	// idleBytes is what a process allocates at most in idleTime if no one calls it: it answers probes and is asked for its metrics.
	idleBytes = 6 << 20
	// wasteBytes is how much garbage is worth a collection.
	wasteBytes = 1 << 20
)

// saveMemory gives back to the system what one of the shop's many processes has needed to start, and later what it has left of work
// that is over. The runtime alone would collect nothing before its heap has several megabytes (GOGC), which most processes of
// a shop at rest never reach again.
func saveMemory(ctx context.Context) {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	whileIdle(ctx, startTime+rand.N(startTime), func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}, debug.FreeOSMemory)
}

// whileIdle calls release after a first wait, and from then on when not much has been allocated for idleTime, unless so little has
// been since the last release that it is not worth while. allocated returns the bytes allocated so far.
func whileIdle(ctx context.Context, first time.Duration, allocated func() uint64, release func()) {
	timer := time.NewTimer(first)
	defer timer.Stop()
	var before, released uint64
	for started := false; ; started = true {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		now := allocated()
		if !started || now-before <= idleBytes && now-released >= wasteBytes {
			release()
			released = now
		}
		before = now
		timer.Reset(idleTime)
	}
}
