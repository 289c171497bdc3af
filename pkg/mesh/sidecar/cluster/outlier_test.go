package cluster_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

func configs(t testing.TB, fields string) []*clusterv3.Cluster {
	return []*clusterv3.Cluster{config(t, "c", fields)}
}

func assignments(all ...*endpointv3.ClusterLoadAssignment) []*endpointv3.ClusterLoadAssignment {
	return all
}

// outlier runs a test in a bubble, where time passes at once, with a cluster that ejects up to all hosts.
func outlier(t *testing.T, detection string, hosts int, test func(t *testing.T, s *cluster.Set, c *cluster.Cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var ports []string
		for i := range hosts {
			ports = append(ports, fmt.Sprint(i+1))
		}
		s, c := one(t, cluster.Events{}, `, "outlierDetection": {`+detection+`}`, ports...)
		defer s.Close()
		test(t, s, c)
	})
}

const all = `"maxEjectionPercent": 100`

func report(h *cluster.Host, outcomes ...cluster.Outcome) {
	for _, o := range outcomes {
		h.Report(o)
	}
}

func times(n int, o cluster.Outcome) []cluster.Outcome {
	var list []cluster.Outcome
	for range n {
		list = append(list, o)
	}
	return list
}

func TestFailuresInARowEject(t *testing.T) {
	for _, c := range []struct {
		name, detection string
		outcomes        []cluster.Outcome
		ejected         bool
	}{
		{"consecutive5xxErrors unset is 5", all, times(5, 500), true},
		{"4 of 5", all, times(4, 500), false},
		{"a success in between resets the count", all, append(append(times(4, 500), 200), times(4, 500)...), false},
		{"a 404 is a success", all, append(append(times(4, 500), 404), times(4, 500)...), false},
		{"a denial of the callee is a success", all, append(append(times(4, 500), 403), times(4, 500)...), false},
		{"gateway errors count as 5xx as well", all, times(5, 503), true},
		{"0 disables 5xx", all + `, "consecutive5xx": 0, "enforcingConsecutive5xx": 0`, times(20, 500), false},
		{"consecutiveGatewayErrors unset is not enforced", all + `, "consecutive5xx": 9`, times(8, 503), false},
		{"consecutiveGatewayErrors", all + `, "consecutiveGatewayFailure": 2, "enforcingConsecutiveGatewayFailure": 100`, times(2, 503), true},
		{"a 500 is no gateway error", all + `, "consecutiveGatewayFailure": 2, "enforcingConsecutiveGatewayFailure": 100`, times(4, 500), false},
		{
			"a 500 resets only the gateway counter", all + `, "consecutiveGatewayFailure": 2, "enforcingConsecutiveGatewayFailure": 100`,
			[]cluster.Outcome{503, 500, 503, 500},
			false,
		},
		{
			"a 500 leaves the counter of 5xx as it is", all + `, "consecutiveGatewayFailure": 2, "enforcingConsecutiveGatewayFailure": 100`,
			[]cluster.Outcome{503, 500, 503, 500, 500},
			true,
		},
		{
			"consecutiveGatewayErrors beyond 5 has no effect before 5xx", all + `, "consecutiveGatewayFailure": 7, "enforcingConsecutiveGatewayFailure": 100`,
			times(5, 502), true,
		},
		{"a failure to connect is a 503", all + `, "consecutiveGatewayFailure": 1, "enforcingConsecutiveGatewayFailure": 100`, times(1, cluster.Failed), true},
		{"a timeout is a 504", all + `, "consecutiveGatewayFailure": 1, "enforcingConsecutiveGatewayFailure": 100`, times(1, cluster.TimedOut), true},
		{"that a connection was made does not count", all, append(append(times(4, 500), cluster.Connected), 500), true},
		{"split: failures to connect count apart", all + `, "splitExternalLocalOriginErrors": true, "consecutiveLocalOriginFailure": 2`, times(2, cluster.Failed), true},
		{
			"split: a connection in between resets the count", all + `, "splitExternalLocalOriginErrors": true, "consecutiveLocalOriginFailure": 2`,
			[]cluster.Outcome{cluster.Failed, cluster.Connected, cluster.Failed},
			false,
		},
		{"split: failures to connect are no 5xx", all + `, "splitExternalLocalOriginErrors": true, "consecutiveLocalOriginFailure": 9`, times(8, cluster.Failed), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			outlier(t, c.detection, 2, func(t *testing.T, _ *cluster.Set, cl *cluster.Cluster) {
				h := host(t, cl, "1")
				report(h, c.outcomes...)
				if h.Ejected() != c.ejected {
					t.Errorf("the host is ejected: %t", h.Ejected())
				}
			})
		})
	}
}

func TestAnEjectedHostIsNotPicked(t *testing.T) {
	outlier(t, all, 2, func(t *testing.T, _ *cluster.Set, c *cluster.Cluster) {
		report(host(t, c, "1"), times(5, 500)...)
		for range 20 {
			if h := pick(t, c); h.Address != "10.0.0.1:2" {
				t.Fatalf("%s is picked", h.Address)
			}
		}
		report(host(t, c, "2"), times(5, 500)...)
		if _, err := c.Pick(0, nil, 0); !errors.Is(err, cluster.ErrNoHealthyUpstream) {
			t.Errorf("with all ejected the error is %v", err)
		}
	})
}

func TestMinHealthPercentUsesAllHostsWhenTooFewAreLeft(t *testing.T) {
	outlier(t, all, 4, func(t *testing.T, s *cluster.Set, _ *cluster.Cluster) {
		next := configs(t, `, "outlierDetection": {`+all+`}`)
		next[0].CommonLbConfig.HealthyPanicThreshold.Value = 50
		if err := s.Update(next, assignments(endpoints(t, "c", "1", "2", "3", "4"))); err != nil {
			t.Fatal(err)
		}
		c := s.Get("c")
		seen := func() int {
			addresses := map[string]bool{}
			for range 40 {
				addresses[pick(t, c).Address] = true
			}
			return len(addresses)
		}
		report(host(t, c, "1"), times(5, 500)...)
		report(host(t, c, "2"), times(5, 500)...)
		if n := seen(); n != 2 {
			t.Errorf("%d hosts are picked while half of them are healthy", n)
		}
		report(host(t, c, "3"), times(5, 500)...)
		if n := seen(); n != 4 {
			t.Errorf("%d hosts are picked while a quarter is healthy", n)
		}
	})
}

func TestAnEjectionEndsAtTheNextTickAfterItsTime(t *testing.T) {
	outlier(t, all+`, "interval": "10s", "baseEjectionTime": "30s"`, 2, func(t *testing.T, _ *cluster.Set, c *cluster.Cluster) {
		h := host(t, c, "1")
		at := func(d time.Duration, want bool) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if h.Ejected() != want {
				t.Errorf("after %s more the host is ejected: %t", d, h.Ejected())
			}
		}
		at(4*time.Second, false)
		report(h, times(5, 500)...) // at 4 s: until 34 s, which is seen at 40 s
		at(0, true)
		at(30*time.Second, true)         // 34 s
		at(5*time.Second, true)          // 39 s
		at(1001*time.Millisecond, false) // 40 s
		report(h, times(4, 500)...)      // counters have started again
		at(0, false)
		report(h, 500) // the second time, 1 ms after 40 s: until 1 ms after 100 s, which is seen at 110 s
		at(69*time.Second, true)
		at(1*time.Second, false)
	})
}

func TestTheMultiplierFallsByOneInEachHealthyInterval(t *testing.T) {
	outlier(t, all+`, "interval": "10s", "baseEjectionTime": "30s"`, 2, func(t *testing.T, _ *cluster.Set, c *cluster.Cluster) {
		h := host(t, c, "1")
		multiplier := func() int { return c.Stats().Hosts[0].Times }
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		report(h, times(5, 500)...)
		pass(31 * time.Second)
		report(h, times(5, 500)...)
		if multiplier() != 2 {
			t.Errorf("the multiplier is %d after two ejections", multiplier())
		}
		pass(60 * time.Second) // readmitted at the tick of 100 s, 31 + 60 being 91 s
		pass(9*time.Second + time.Millisecond)
		if h.Ejected() || multiplier() != 2 {
			t.Errorf("at its return the host is ejected: %t, the multiplier %d", h.Ejected(), multiplier())
		}
		for want := 1; want >= 0; want-- {
			pass(10 * time.Second)
			if multiplier() != want {
				t.Errorf("the multiplier is %d, not %d", multiplier(), want)
			}
		}
		report(h, times(5, 500)...)
		if s := c.Stats().Hosts[0]; s.Times != 1 || s.EjectFor != 30*time.Second {
			t.Errorf("the host is %+v", s)
		}
	})
}

func TestAnEjectionIsNotLongerThanTheLongest(t *testing.T) {
	outlier(t, all+`, "interval": "1s", "baseEjectionTime": "200s"`, 2, func(t *testing.T, _ *cluster.Set, c *cluster.Cluster) {
		h := host(t, c, "1")
		for range 4 {
			report(h, times(5, 500)...)
			if f := c.Stats().Hosts[0].EjectFor; f > 300*time.Second {
				t.Errorf("the host is ejected for %s", f)
			}
			for h.Ejected() {
				time.Sleep(time.Second)
				synctest.Wait()
			}
		}
	})
}

func TestMaxEjectionPercentIsNotPassed(t *testing.T) {
	for _, c := range []struct {
		hosts         int
		percent       string
		ejects, fails int
	}{
		{9, "", 0, 3},   // 10 % of 9 is less than one
		{10, "", 1, 3},  // and of 10 it is one
		{1, "50", 0, 1}, // one host needs 100 %
		{1, "100", 1, 1},
		{2, "50", 1, 2},
		{3, "50", 1, 3},
		{4, "50", 2, 4},
		{3, "0", 0, 3},
	} {
		detection := ""
		if c.percent != "" {
			detection = `"maxEjectionPercent": ` + c.percent
		}
		outlier(t, detection, c.hosts, func(t *testing.T, _ *cluster.Set, cl *cluster.Cluster) {
			for _, h := range cl.Hosts()[:c.fails] {
				report(h, times(5, 500)...)
			}
			ejected := 0
			for _, h := range cl.Hosts() {
				if h.Ejected() {
					ejected++
				}
			}
			s := cl.Stats()
			if ejected != c.ejects || s.EjectionsOverflow != uint64(c.fails-c.ejects) || s.Ejections != uint64(c.ejects) {
				t.Errorf("%q of %d: %d are ejected, %+v", c.percent, c.hosts, ejected, s)
			}
		})
	}
}

func TestAlwaysEjectOneHostEjectsOne(t *testing.T) {
	outlier(t, `"alwaysEjectOneHost": true`, 3, func(t *testing.T, _ *cluster.Set, c *cluster.Cluster) {
		report(host(t, c, "1"), times(5, 500)...)
		report(host(t, c, "2"), times(5, 500)...)
		if !host(t, c, "1").Ejected() || host(t, c, "2").Ejected() {
			t.Error("it is not exactly one")
		}
	})
}

func TestARefusedEjectionCountsAnew(t *testing.T) {
	outlier(t, `"maxEjectionPercent": 50`, 2, func(t *testing.T, _ *cluster.Set, c *cluster.Cluster) {
		report(host(t, c, "1"), times(5, 500)...)
		report(host(t, c, "2"), times(10, 500)...)
		if n := c.Stats().EjectionsOverflow; n != 2 {
			t.Errorf("%d ejections were refused", n)
		}
	})
}

func TestEventsTellOfEjections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		events := cluster.Events{
			Ejected:    func(h *cluster.Host, why cluster.Ejection) { log = append(log, h.Address+" "+string(why)) },
			Readmitted: func(h *cluster.Host) { log = append(log, h.Address+" back") },
		}
		s, c := one(t, events, `, "outlierDetection": {"maxEjectionPercent": 100, "consecutive5xx": 1}`, "1")
		report(host(t, c, "1"), 503)
		time.Sleep(31 * time.Second)
		synctest.Wait()
		s.Close()
		if len(log) != 2 || log[0] != "10.0.0.1:1 consecutive 5xx errors" || log[1] != "10.0.0.1:1 back" {
			t.Errorf("the events are %q", log)
		}
	})
}

func TestEjectionsOutliveAnUpdateOfEndpointsButNotOfTheCluster(t *testing.T) {
	outlier(t, all, 3, func(t *testing.T, s *cluster.Set, c *cluster.Cluster) {
		report(host(t, c, "1"), times(5, 500)...)
		report(host(t, c, "2"), times(5, 500)...)
		update(t, s, `, "outlierDetection": {`+all+`}`, "1", "4", "5")
		if !host(t, c, "1").Ejected() || s.Get("c") != c {
			t.Error("an update of endpoints readmits")
		}
		report(host(t, c, "4"), times(5, 500)...)
		if !host(t, c, "4").Ejected() {
			t.Error("a new host is not watched")
		}
		update(t, s, `, "connectTimeout": "1s", "outlierDetection": {`+all+`}`, "1", "4", "5")
		if host(t, s.Get("c"), "1").Ejected() {
			t.Error("an update of the cluster does not readmit")
		}
		report(host(t, c, "5"), times(9, 500)...) // of the old cluster: nothing may happen
	})
}

func TestWhatCountsAsTheOutcomeOfAResponse(t *testing.T) {
	for code, want := range map[string]cluster.Outcome{
		"0": 200, "1": 499, "2": 500, "3": 400, "4": 504, "5": 404, "6": 409, "7": 403, "8": 429, "9": 400, "10": 409, "11": 400, "12": 501,
		"13": 500, "14": 503, "15": 500, "16": 401, "99": 500, "": 200,
	} {
		f := field.Fields{{Name: ":status", Value: "200"}}
		if code != "" {
			f.Add("grpc-status", code)
		}
		if got := cluster.ResponseOutcome(true, f); got != want {
			t.Errorf("status %s of gRPC counts as %d", code, got)
		}
		if got := cluster.ResponseOutcome(false, f); got != 200 {
			t.Errorf("a response of HTTP with grpc-status %s counts as %d", code, got)
		}
	}
}
