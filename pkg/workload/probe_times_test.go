package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// seconds are the times of probes, in whole seconds.
func (p *probed) seconds() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []int
	for _, at := range p.asked {
		all = append(all, int(at/time.Second))
	}
	return all
}

func TestACommandIsProbedAtTheTimesOfKubernetes(t *testing.T) {
	for name, c := range map[string]struct {
		probes  probes
		healthy time.Duration // when it becomes so
		want    []int         // the times of the probes within a minute
		reports []string
	}{
		"readiness waits for its initial delay": {
			probes: probes{readiness: &probe{Probe: &corev1.Probe{InitialDelaySeconds: 30, PeriodSeconds: 20}}},
			want:   []int{30, 50}, reports: []string{"30s ready=true "},
		},
		"readiness is probed once in a period, and recovers in one": {
			probes: probes{readiness: &probe{Probe: &corev1.Probe{PeriodSeconds: 15}}}, healthy: 16 * time.Second,
			want: []int{0, 15, 30, 45}, reports: []string{"30s ready=true "},
		},
		"readiness needs its number of successes": {
			probes: probes{readiness: &probe{Probe: &corev1.Probe{PeriodSeconds: 10, SuccessThreshold: 3}}},
			want:   []int{0, 10, 20, 30, 40, 50}, reports: []string{"20s ready=true "},
		},
		"liveness counts from the start": {
			probes: probes{liveness: &probe{Probe: &corev1.Probe{InitialDelaySeconds: 5, PeriodSeconds: 10, FailureThreshold: 3}}}, healthy: time.Hour,
			want: []int{5, 15, 25}, reports: []string{"0s ready=true ", "25s failed: liveness probe failed: refused"},
		},
		"startup gives up after its number of failures": {
			probes: probes{startup: &probe{Probe: &corev1.Probe{InitialDelaySeconds: 2, PeriodSeconds: 4, FailureThreshold: 3}}}, healthy: time.Hour,
			want: []int{2, 6, 10}, reports: []string{"10s failed: startup probe failed: refused"},
		},
		"the delays of the others count from the start, not from the startup probe": {
			probes: probes{
				startup:   &probe{Probe: &corev1.Probe{PeriodSeconds: 7}},
				readiness: &probe{Probe: &corev1.Probe{InitialDelaySeconds: 10, PeriodSeconds: 40}},
			},
			healthy: 5 * time.Second,
			want:    []int{0, 7, 10, 50}, reports: []string{"10s ready=true "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := follow(t, c.probes, true, false)
				p.set(func() { p.healthy = c.healthy == 0 })
				time.AfterFunc(c.healthy, func() { p.set(func() { p.healthy = true }) })
				time.Sleep(59 * time.Second)
				synctest.Wait()
				if got := p.seconds(); !slices.Equal(got, c.want) {
					t.Errorf("probed at %v, want %v", got, c.want)
				}
				if !slices.Equal(p.reports, c.reports) {
					t.Errorf("reports %q, want %q", p.reports, c.reports)
				}
			})
		})
	}
}

func TestAServiceWaitsForTheInitialDelayOfItsProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, probes{readiness: &probe{Probe: &corev1.Probe{InitialDelaySeconds: 30, PeriodSeconds: 10}}}, true)
		p.set(func() { p.healthy = true })
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if want := []string{"30s ready=true "}; !slices.Equal(p.reports, want) {
			t.Errorf("reports %q, want %q", p.reports, want)
		}
	})
}

func TestAProbesOwnGracePeriodTakesPrecedence(t *testing.T) {
	own := int64(3)
	with, without := &probe{Probe: &corev1.Probe{TerminationGracePeriodSeconds: &own}}, &probe{Probe: &corev1.Probe{}}
	if got := with.grace(time.Minute); got != 3*time.Second {
		t.Errorf("grace %s, want that of the probe", got)
	}
	if got := without.grace(time.Minute); got != time.Minute {
		t.Errorf("grace %s, want that of the pod", got)
	}
}

func TestABuiltinsOwnCheckTakesThePlaceOfItsTCPProbes(t *testing.T) {
	var asked []string
	own := func(_ context.Context, addr string, env []string, write bool) error {
		asked = append(asked, fmt.Sprint(addr, env, write))
		return errors.New("it cannot write")
	}
	p := &prober{addr: "127.0.0.1:1", ports: []podspec.Port{{Number: 6379}}, service: own, env: []string{"A=b"}}
	handler := corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(6379)}}
	for _, kind := range []probeKind{startupProbe, readinessProbe, livenessProbe} {
		if err := p.check(t.Context(), &probe{&corev1.Probe{ProbeHandler: handler}, kind}); err == nil || err.Error() != "it cannot write" {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
	if want := []string{"127.0.0.1:1[A=b] true", "127.0.0.1:1[A=b] true", "127.0.0.1:1[A=b] false"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}
