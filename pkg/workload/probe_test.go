package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// probed is one run of a watcher, with what it reported.
type probed struct {
	mu      sync.Mutex
	begin   time.Time
	healthy bool
	paused  bool
	asked   []time.Duration
	reports []string
}

func (p *probed) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *probed) report(format string, args ...any) {
	p.set(func() {
		p.reports = append(p.reports, fmt.Sprintf("%s ", time.Since(p.begin))+fmt.Sprintf(format, args...))
	})
}

// watch watches a built-in service.
func watch(t *testing.T, ps probes, listens bool) *probed { return follow(t, ps, listens, true) }

func follow(t *testing.T, ps probes, listens, eager bool) *probed {
	p := &probed{begin: time.Now()}
	listening := make(chan struct{})
	if listens {
		close(listening)
	}
	w := &watcher{
		listening: listening, probes: ps, eager: eager, began: p.begin, now: time.Now, begin: func() {}, started: func() {},
		check: func(context.Context, *probe) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.asked = append(p.asked, time.Since(p.begin))
			if !p.healthy {
				return errors.New("refused")
			}
			return nil
		},
		paused: func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.paused },
		ready: func(ok bool, reason string) {
			if ok || strings.Contains(reason, "failed") || reason == notListening {
				p.report("ready=%v %s", ok, reason)
			}
		},
		failed: func(_ *probe, reason string) { p.report("failed: %s", reason) },
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); w.run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return p
}

func TestAStartIsNoticedWithinMilliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, probes{readiness: &probe{Probe: &corev1.Probe{PeriodSeconds: 10}}}, true)
		time.Sleep(42 * time.Millisecond)
		p.set(func() { p.healthy = true })
		time.Sleep(time.Second)
		synctest.Wait()
		if want := []string{"75ms ready=true "}; !slices.Equal(p.reports, want) {
			t.Errorf("reports %q, want %q; asked at %v", p.reports, want, p.asked)
		}
	})
}

func TestReadinessIsLostAfterTheThresholdAndFoundAgainWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, probes{readiness: &probe{Probe: &corev1.Probe{PeriodSeconds: 10, FailureThreshold: 2}}}, true)
		p.set(func() { p.healthy = true })
		time.Sleep(5 * time.Second)
		p.set(func() { p.healthy = false })
		time.Sleep(40 * time.Second)
		p.set(func() { p.healthy = true })
		time.Sleep(time.Second)
		synctest.Wait()
		if len(p.reports) != 3 || !strings.HasPrefix(p.reports[1], "20s ready=false readiness probe failed: refused") || !strings.HasPrefix(p.reports[2], "45.") {
			t.Errorf("reports %q", p.reports)
		}
	})
}

func TestLivenessGivesUpAfterTheThreshold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, probes{liveness: &probe{Probe: &corev1.Probe{PeriodSeconds: 5, FailureThreshold: 3}}}, true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []string{"0s ready=true ", "15s failed: liveness probe failed: refused"}; !slices.Equal(p.reports, want) {
			t.Errorf("reports %q, want %q", p.reports, want)
		}
	})
}

func TestAPausedInstanceIsNotCountedAsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, probes{liveness: &probe{Probe: &corev1.Probe{PeriodSeconds: 1}}}, true)
		p.set(func() { p.paused = true })
		time.Sleep(time.Minute)
		p.set(func() { p.paused, p.healthy = false, true })
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []string{"0s ready=true "}; !slices.Equal(p.reports, want) {
			t.Errorf("reports %q", p.reports)
		}
	})
}

func TestAStartupProbeHoldsTheOthersBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, probes{
			startup:  &probe{Probe: &corev1.Probe{PeriodSeconds: 10, FailureThreshold: 6}},
			liveness: &probe{Probe: &corev1.Probe{PeriodSeconds: 1, FailureThreshold: 1}},
		}, true)
		time.Sleep(30 * time.Second)
		p.set(func() { p.healthy = true })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(p.reports) != 1 || !strings.HasPrefix(p.reports[0], "30.") {
			t.Errorf("reports %q", p.reports)
		}
	})
}

func TestAnInstanceThatNeverListensFailsItsLiveness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, probes{liveness: &probe{Probe: &corev1.Probe{PeriodSeconds: 10, FailureThreshold: 3}}}, false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []string{"30s failed: it is not listening"}; !slices.Equal(p.reports, want) {
			t.Errorf("reports %q", p.reports)
		}
	})
}

func TestWhyAProgramIsNotReadyThatDoesNotListenIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := follow(t, probes{}, false, false)
		synctest.Wait()
		if want := []string{"0s ready=false it does not listen on its port yet"}; !slices.Equal(p.reports, want) {
			t.Errorf("reports %q", p.reports)
		}
	})
}
