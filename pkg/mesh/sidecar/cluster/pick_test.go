package cluster_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
)

func TestRoundRobinTakesTurns(t *testing.T) {
	s, c := one(t, cluster.Events{}, "", "1", "2", "3")
	defer s.Close()
	counts := map[*cluster.Host]int{}
	for range 30 {
		counts[pick(t, c)]++
	}
	for h, n := range counts {
		if n != 10 {
			t.Errorf("%s is picked %d times of 30", h.Address, n)
		}
	}
}

func TestTheLessBusyOfTwoIsPicked(t *testing.T) {
	s, c := one(t, cluster.Events{}, `, "lbPolicy": "LEAST_REQUEST"`, "1", "2")
	defer s.Close()
	busy := host(t, c, "1")
	for range 5 {
		busy.Begin()
	}
	counts := map[*cluster.Host]int{}
	for range 4000 {
		counts[pick(t, c)]++
	}
	// Both choices meet the busy one in a quarter of the cases.
	if n := counts[busy]; n < 700 || n > 1300 {
		t.Errorf("the busy host is picked %d times of 4000", n)
	}
}

func TestRandomIsEven(t *testing.T) {
	s, c := one(t, cluster.Events{}, `, "lbPolicy": "RANDOM"`, "1", "2")
	defer s.Close()
	counts := map[*cluster.Host]int{}
	for range 4000 {
		counts[pick(t, c)]++
	}
	for h, n := range counts {
		if n < 1700 || n > 2300 {
			t.Errorf("%s is picked %d times of 4000", h.Address, n)
		}
	}
}

func TestEqualHashesMeetTheSameHost(t *testing.T) {
	for _, policy := range []string{"RING_HASH", "MAGLEV"} {
		s, c := one(t, cluster.Events{}, `, "lbPolicy": "`+policy+`"`, "1", "2", "3", "4")
		counts := map[*cluster.Host]int{}
		before := map[uint64]string{}
		for i := range uint64(4000) {
			hash := i*0x9e3779b97f4a7c15 + 1
			h, err := c.Pick(hash, nil, 0)
			again, _ := c.Pick(hash, nil, 0)
			if err != nil || again != h {
				t.Fatalf("%s: %v", policy, err)
			}
			counts[h]++
			before[hash] = h.Address
		}
		for h, n := range counts {
			if n < 700 || n > 1300 {
				t.Errorf("%s: %s is picked %d times of 4000", policy, h.Address, n)
			}
		}
		update(t, s, `, "lbPolicy": "`+policy+`"`, "1", "2", "3")
		moved := 0
		for hash, address := range before {
			if h, _ := c.Pick(hash, nil, 0); h.Address != address && address != "10.0.0.1:4" {
				moved++
			}
		}
		if moved > 600 {
			t.Errorf("%s: %d of 4000 meet another host since one is gone", policy, moved)
		}
		s.Close()
	}
}

func TestARetryAvoidsHostsThatWereTried(t *testing.T) {
	for _, fields := range []string{"", `, "lbPolicy": "LEAST_REQUEST"`, `, "lbPolicy": "RING_HASH"`} {
		s, c := one(t, cluster.Events{}, fields, "1", "2", "3")
		missed := 0
		for i := range uint64(500) {
			first, _ := c.Pick(i+1, nil, 0)
			second, _ := c.Pick(i+1, []*cluster.Host{first}, 5)
			third, _ := c.Pick(i+1, []*cluster.Host{first, second}, 5)
			if second == first || third == first || third == second {
				missed++ // five more picks may all be unlucky
			}
		}
		if missed > 150 {
			t.Errorf("%s: a host was tried again %d times of 500", fields, missed)
		}
		s.Close()
	}
	s, c := one(t, cluster.Events{}, "", "1")
	defer s.Close()
	only := pick(t, c)
	if again, err := c.Pick(0, []*cluster.Host{only}, 5); again != only || err != nil {
		t.Errorf("the only host is not tried again: %v", err)
	}
}

func TestAHostThatTheControlPlaneCallsUnhealthyIsLeftOut(t *testing.T) {
	s := cluster.NewSet(cluster.Events{})
	defer s.Close()
	a := endpoints(t, "c", "1", "2")
	a.Endpoints[0].LbEndpoints[0].HealthStatus = 2 // UNHEALTHY
	if err := s.Update(configs(t, ""), assignments(a)); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if h := pick(t, s.Get("c")); h.Address != "10.0.0.1:2" {
			t.Fatalf("%s is picked", h.Address)
		}
	}
}

func TestAPickDoesNotAllocate(t *testing.T) {
	for _, fields := range []string{"", `, "lbPolicy": "LEAST_REQUEST"`, `, "lbPolicy": "RING_HASH"`} {
		s, c := one(t, cluster.Events{}, fields+`, "outlierDetection": {}`, "1", "2", "3")
		if n := testing.AllocsPerRun(100, func() {
			h, err := c.Pick(17, nil, 0)
			if err != nil || !c.Requests.Acquire() {
				t.Fatal(err)
			}
			h.Begin()
			h.Report(200)
			h.End()
			c.Requests.Release()
		}); n > 0 {
			t.Errorf("%s: a pick allocates %v times", fields, n)
		}
		s.Close()
	}
}

func BenchmarkPick(b *testing.B) {
	for name, fields := range map[string]string{"roundrobin": "", "leastrequest": `, "lbPolicy": "LEAST_REQUEST"`, "ring": `, "lbPolicy": "RING_HASH"`} {
		b.Run(name, func(b *testing.B) {
			s, c := one(b, cluster.Events{}, fields+`, "outlierDetection": {}`, "1", "2", "3")
			defer s.Close()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					h, _ := c.Pick(17, nil, 0)
					h.Begin()
					h.Report(200)
					h.End()
				}
			})
		})
	}
}
