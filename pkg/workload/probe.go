package workload

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// probe is one of a container's probes with its defaults filled in.
type probe struct {
	*corev1.Probe
	kind probeKind
}

type probeKind int

const (
	startupProbe probeKind = iota
	readinessProbe
	livenessProbe
)

type probes struct {
	startup, readiness, liveness *probe
}

func newProbes(c *podspec.Container) probes {
	wrap := func(p *corev1.Probe, kind probeKind) *probe {
		if p == nil {
			return nil
		}
		return &probe{p, kind}
	}
	return probes{wrap(c.Startup, startupProbe), wrap(c.Readiness, readinessProbe), wrap(c.Liveness, livenessProbe)}
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

// grace is how long a container that the probe gave up on may take to stop; pod is the pod's own.
func (p *probe) grace(pod time.Duration) time.Duration {
	if p.TerminationGracePeriodSeconds != nil {
		return time.Duration(*p.TerminationGracePeriodSeconds) * time.Second
	}
	return pod
}

// delay is the time from the start of the container to its first probe.
func (p *probe) delay() time.Duration {
	return time.Duration(max(0, p.InitialDelaySeconds)) * time.Second
}

// patience is how long after the start of a container the probe has failed for good.
func (p *probe) patience() time.Duration { return p.delay() + time.Duration(p.failures())*p.period() }

// The pauses between the probes of a built-in service that has not succeeded yet. It starts in milliseconds: waiting
// for a whole period would make every start slow.
const (
	firstProbePause = 5 * time.Millisecond
	lastProbePause  = 100 * time.Millisecond
	// unreadyPause bounds the time until a recovered service is found ready again.
	unreadyPause = time.Second
)

// watcher probes one run of a container and reports what changes.
type watcher struct {
	// listening is closed when the container listens; nil if it does not have to.
	listening <-chan struct{}
	probes    probes
	// eager: a service that is not ready is probed in quick succession, and one that is at the same moments as all
	// others. Else the times of the probes are Kubernetes'.
	eager bool
	// began is when the container started.
	began time.Time
	now   func() time.Time
	// begin is called once, before the first check.
	begin func()
	check func(ctx context.Context, p *probe) error
	// paused reports whether the container is frozen: a failed check then means nothing.
	paused func() bool
	// started is called when the startup probe has succeeded, ready at each change of readiness with the reason, and
	// failed when liveness or startup gave up, with that probe.
	started func()
	ready   func(bool, string)
	failed  func(*probe, string)
}

// notListening is why a container is not ready that is called at a port, and has not opened it.
const notListening = "it does not listen on its port yet"

// run probes until ctx ends. It owns no goroutine when it returns.
func (w *watcher) run(ctx context.Context) {
	if w.listening != nil {
		late, p := w.slowStart()
		select {
		case <-w.listening:
		default:
			if !w.eager { // a built-in service listens in a moment
				w.ready(false, notListening)
			}
		}
		select {
		case <-w.listening:
		case <-ctx.Done():
			return
		case <-late:
			w.failed(p, "it is not listening")
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
func (w *watcher) slowStart() (<-chan time.Time, *probe) {
	p := w.probes.startup
	if p == nil {
		p = w.probes.liveness
	}
	if p == nil {
		return nil, nil
	}
	return time.After(p.patience()), p
}

// await waits for the time of a container's first probe.
func (w *watcher) await(ctx context.Context, after time.Duration) bool {
	if left := after - w.now().Sub(w.began); left > 0 {
		return sleep(ctx, left)
	}
	return ctx.Err() == nil
}

// announce makes the wait for a first probe the reason why the container is not ready.
func (w *watcher) announce(what string, p *probe) {
	if p.delay() > 0 {
		w.ready(false, fmt.Sprintf("its %s probe begins %s after its start (initialDelaySeconds)", what, humanize.Duration(p.delay())))
	}
}

// untilStarted waits for the startup probe; false if it gave up or ctx ended.
func (w *watcher) untilStarted(ctx context.Context, p *probe) bool {
	w.announce("startup", p)
	if !w.await(ctx, p.delay()) {
		return false
	}
	deadline := w.now().Add(time.Duration(p.failures()) * p.period())
	pause := firstProbePause
	for bad := 1; ; bad++ {
		err := w.once(ctx, p)
		switch {
		case ctx.Err() != nil:
			return false
		case err == nil:
			return true
		case w.eager && w.now().After(deadline), !w.eager && bad >= p.failures():
			w.failed(p, "startup probe failed: "+err.Error())
			return false
		}
		w.ready(false, "startup probe: "+err.Error())
		wait := p.period()
		if w.eager {
			wait = pause
			pause = min(2*pause, lastProbePause)
		}
		if !sleep(ctx, wait) {
			return false
		}
	}
}

// followReadiness follows the readiness probe.
func (w *watcher) followReadiness(ctx context.Context, p *probe) {
	w.announce("readiness", p)
	if !w.await(ctx, p.delay()) {
		return
	}
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
		case !ready:
			w.ready(false, fmt.Sprintf("readiness probe: %d of %d successes", good, p.successes()))
		}
		wait := w.untilNext(p)
		if ready {
			pause = lastProbePause
		} else if w.eager && err != nil {
			wait = min(p.period(), pause)
			pause = min(2*pause, maxPause(bad))
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// maxPause is the longest pause after a number of failures: short while a start may take
// milliseconds, a second for a service that has been failing for a while.
func maxPause(failures int) time.Duration {
	if failures < 50 {
		return lastProbePause
	}
	return unreadyPause
}

// followLiveness follows the liveness probe until it gives up.
func (w *watcher) followLiveness(ctx context.Context, p *probe) {
	first := p.delay()
	if w.eager {
		first = max(first, p.period())
	}
	if !w.await(ctx, first) {
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
				w.failed(p, "liveness probe failed: "+err.Error())
				return
			}
		}
		if !sleep(ctx, w.untilNext(p)) {
			return
		}
	}
}

// untilNext is the time until the next probe. Built-in services are probed at whole multiples of the period, all at the
// same moments, so that an idle shop wakes up seldom.
func (w *watcher) untilNext(p *probe) time.Duration {
	if !w.eager {
		return p.period()
	}
	now := w.now()
	return now.Truncate(p.period()).Add(p.period()).Sub(now)
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
