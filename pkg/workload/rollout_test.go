package workload

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestTheStrategyCountsPercentagesAsKubernetesDoes(t *testing.T) {
	percent := func(s string) *intstr.IntOrString { v := intstr.Parse(s); return &v }
	for name, c := range map[string]struct {
		replicas       int
		surge, down    *intstr.IntOrString
		wantUp, wantDn int
	}{
		"defaults of one":     {1, nil, nil, 1, 0},
		"defaults of four":    {4, nil, nil, 1, 1},
		"surge rounds up":     {3, percent("10%"), percent("34%"), 1, 1},
		"numbers":             {10, percent("3"), percent("2"), 3, 2},
		"nothing could move":  {3, percent("0"), percent("0"), 0, 1},
		"down without a rest": {3, percent("0"), percent("25%"), 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := &appsv1.Deployment{}
			d.Spec.Strategy.RollingUpdate = &appsv1.RollingUpdateDeployment{MaxSurge: c.surge, MaxUnavailable: c.down}
			s := newStrategy(d, c.replicas)
			if s.surge != c.wantUp || s.maxUnavailable != c.wantDn {
				t.Errorf("surge %d, unavailable %d; want %d, %d", s.surge, s.maxUnavailable, c.wantUp, c.wantDn)
			}
		})
	}
}

// Whatever becomes ready when, a rolling update keeps its two promises and comes to an end.
func TestARollingUpdateKeepsItsBoundsInAnyOrderOfEvents(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		replicas := 1 + rng.IntN(6)
		s := strategy{surge: rng.IntN(3), maxUnavailable: rng.IntN(3)}
		if s.surge+s.maxUnavailable == 0 {
			s.surge = 1
		}
		var members []member
		for range replicas {
			members = append(members, member{ready: true, available: true})
		}
		for step := 0; ; step++ {
			if step > 200 {
				t.Fatalf("seed %d: no end with %+v of %d: %+v", seed, s, replicas, members)
			}
			next := s.next(replicas, 0, members, false)
			members = apply(members, next)
			available := 0
			for _, m := range members {
				if m.available {
					available++
				}
			}
			if available < replicas-s.maxUnavailable || len(members) > replicas+s.surge {
				t.Fatalf("seed %d: %d available, %d in all of %d with %+v", seed, available, len(members), replicas, s)
			}
			if available == replicas && len(members) == replicas && !slices.ContainsFunc(members, func(m member) bool { return !m.current }) {
				break
			}
			if i := rng.IntN(max(1, len(members))); i < len(members) && rng.IntN(2) == 0 {
				members[i].ready, members[i].available = true, true
			}
		}
	}
}

func apply(members []member, s step) []member {
	var left []member
	for i, m := range members {
		if !slices.Contains(s.remove, i) {
			left = append(left, m)
		}
	}
	for range s.create {
		left = append(left, member{current: true})
	}
	return left
}

func TestScalingDownKeepsTheOldestThatAreReady(t *testing.T) {
	begin := time.Now()
	members := []member{
		{current: true, ready: true, created: begin},
		{current: true, created: begin.Add(time.Second)},
		{current: true, ready: true, created: begin.Add(2 * time.Second)},
	}
	if got := (strategy{surge: 1}).next(1, 0, members, false).remove; !slices.Equal(got, []int{1, 2}) {
		t.Errorf("removed %v", got)
	}
}

func TestWhatCannotBeCreatedReplacesNothing(t *testing.T) {
	members := []member{{ready: true, available: true}, {ready: true, available: true}}
	if s := (strategy{surge: 1}).next(2, 0, members, true); s.create != 0 || len(s.remove) != 0 {
		t.Errorf("step %+v", s)
	}
	if s := (strategy{surge: 1}).next(1, 0, members, true); len(s.remove) != 1 {
		t.Errorf("scaled down: %+v", s)
	}
}
