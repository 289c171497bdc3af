package workload

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// probe is one of a container's probes with its defaults filled in.
type probe struct {
	*corev1.Probe
}

type probes struct {
	startup, readiness, liveness *probe
}

func newProbes(c *podspec.Container) probes {
	wrap := func(p *corev1.Probe) *probe {
		if p == nil {
			return nil
		}
		return &probe{p}
	}
	return probes{wrap(c.Startup), wrap(c.Readiness), wrap(c.Liveness)}
}

func (p *probe) period() time.Duration { return seconds(p.PeriodSeconds, 10) }

func (p *probe) timeout() time.Duration { return seconds(p.TimeoutSeconds, 1) }

func (p *probe) failures() int { return int(max(1, orDefault(p.FailureThreshold, 3))) }

func (p *probe) successes() int { return int(max(1, orDefault(p.SuccessThreshold, 1))) }

func seconds(n, fallback int32) time.Duration {
	return time.Duration(orDefault(n, fallback)) * time.Second
}

func orDefault(n, fallback int32) int32 {
	if n <= 0 {
		return fallback
	}
	return n
}

// The pauses between the probes of a container that has not succeeded yet. Waiting for the whole
// period, or the initial delay that is meant for slower machines, would make every start slow.
const (
	firstProbePause = 5 * time.Millisecond
	lastProbePause  = 100 * time.Millisecond
	// unreadyPause bounds the time until a recovered container is found ready again.
	unreadyPause = time.Second
)

// watcher probes one run of a container and reports what changes.
type watcher struct {
	// listening is closed when the container listens; nil if it does not have to.
	listening <-chan struct{}
	probes    probes
	now       func() time.Time
	// begin is called once, before the first check.
	begin func()
	check func(ctx context.Context, p *probe) error
	// paused reports whether the container is frozen: a failed check then means nothing.
	paused func() bool
	// started is called when the startup probe has succeeded, ready at each change of readiness with the reason, and
	// failed when liveness or startup gave up.
	started func()
	ready   func(bool, string)
	failed  func(string)
}

// run probes until ctx ends. It owns no goroutine when it returns.
func (w *watcher) run(ctx context.Context) {
	if w.listening != nil {
		select {
		case <-w.listening:
		case <-ctx.Done():
			return
		case <-w.slowStart():
			w.failed("it is not listening")
			return
		}
	}
	w.begin()
	if p := w.probes.startup; p != nil && !w.untilStarted(ctx, p) {
		return
	}
	w.started()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if p := w.probes.liveness; p != nil {
			w.followLiveness(ctx, p)
		}
	}()
	if p := w.probes.readiness; p != nil {
		w.followReadiness(ctx, p)
	} else {
		w.ready(true, "")
	}
	<-done
}

// slowStart fires when a container that never listens would have failed its startup or liveness
// probe; never if it has neither.
func (w *watcher) slowStart() <-chan time.Time {
	p := w.probes.startup
	if p == nil {
		p = w.probes.liveness
	}
	if p == nil {
		return nil
	}
	return time.After(time.Duration(p.InitialDelaySeconds)*time.Second + time.Duration(p.failures())*p.period())
}

// untilStarted waits for the startup probe; false if it gave up or ctx ended.
func (w *watcher) untilStarted(ctx context.Context, p *probe) bool {
	deadline := w.now().Add(time.Duration(p.InitialDelaySeconds)*time.Second + time.Duration(p.failures())*p.period())
	pause := firstProbePause
	for {
		err := w.once(ctx, p)
		switch {
		case ctx.Err() != nil:
			return false
		case err == nil:
			return true
		case w.now().After(deadline):
			w.failed("startup probe failed: " + err.Error())
			return false
		}
		w.ready(false, "startup probe: "+err.Error())
		if !sleep(ctx, pause) {
			return false
		}
		pause = min(2*pause, lastProbePause)
	}
}

// followReadiness follows the readiness probe.
func (w *watcher) followReadiness(ctx context.Context, p *probe) {
	ready, good, bad := false, 0, 0
	pause := firstProbePause
	for {
		err := w.once(ctx, p)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			good, bad = good+1, 0
		} else {
			good, bad = 0, bad+1
		}
		switch {
		case !ready && good >= p.successes():
			ready = true
			w.ready(true, "")
		case ready && bad >= p.failures():
			ready = false
			w.ready(false, "readiness probe failed: "+err.Error())
		case !ready && err != nil:
			w.ready(false, "readiness probe: "+err.Error())
		}
		wait := untilNext(w.now(), p.period())
		if ready {
			pause = lastProbePause
		} else {
			wait = min(p.period(), pause)
			pause = min(2*pause, maxPause(bad))
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// maxPause is the longest pause after a number of failures: short while a start may take
// milliseconds, a second for a container that has been failing for a while.
func maxPause(failures int) time.Duration {
	if failures < 50 {
		return lastProbePause
	}
	return unreadyPause
}

// followLiveness follows the liveness probe until it gives up.
func (w *watcher) followLiveness(ctx context.Context, p *probe) {
	if !sleep(ctx, max(time.Duration(p.InitialDelaySeconds)*time.Second, p.period())) {
		return
	}
	for bad := 0; ; {
		err := w.once(ctx, p)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			bad = 0
		default:
			if bad++; bad >= p.failures() {
				w.failed("liveness probe failed: " + err.Error())
				return
			}
		}
		if !sleep(ctx, untilNext(w.now(), p.period())) {
			return
		}
	}
}

// untilNext is the time until the next whole multiple of the period. All instances are probed at
// the same moments that way, and an idle shop wakes up seldom.
func untilNext(now time.Time, period time.Duration) time.Duration {
	return now.Truncate(period).Add(period).Sub(now)
}

// once probes once. Failures while the container is paused do not count.
func (w *watcher) once(ctx context.Context, p *probe) error {
	for {
		for w.paused() && sleep(ctx, lastProbePause) {
		}
		tryCtx, cancel := context.WithTimeout(ctx, p.timeout())
		err := w.check(tryCtx, p)
		cancel()
		if err == nil || ctx.Err() != nil || !w.paused() {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
