package sidecar

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
)

func TestHowFullBreakersAreIsMeasuredWhereThereIsALimit(t *testing.T) {
	none := cluster.BreakerStats{Active: 7, Limit: math.MaxUint32}
	all := breakers(func() []cluster.Stats {
		return []cluster.Stats{
			{Name: "outbound|1||a", Connections: none, Pending: cluster.BreakerStats{Limit: 1, Overflows: 2}, Requests: cluster.BreakerStats{Active: 9, Limit: 10, Overflows: 3}, Retries: none},
			{Name: "outbound|1||b", Connections: cluster.BreakerStats{Active: 5, Limit: 2, Overflows: 4}, Pending: none, Requests: none, Retries: cluster.BreakerStats{Active: 1, Limit: 3, Overflows: 6}},
			{Name: "outbound|1||c", Connections: none, Pending: none, Requests: none, Retries: none},
			{Name: "inbound|1||", Requests: cluster.BreakerStats{Limit: 1024}, Connections: none, Pending: none, Retries: none},
		}
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(all)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "envoy_cluster_")
			got = append(got, fmt.Sprintf("%s %s %g", name, m.GetLabel()[0].GetValue(), m.GetGauge().GetValue()+m.GetCounter().GetValue()))
		}
	}
	want := []string{
		"circuit_breakers_default_remaining_cx outbound|1||b 0",
		"circuit_breakers_default_remaining_pending outbound|1||a 1",
		"circuit_breakers_default_remaining_retries outbound|1||b 2",
		"circuit_breakers_default_remaining_rq outbound|1||a 1",
		"upstream_cx_overflow outbound|1||b 4",
		"upstream_rq_pending_active outbound|1||a 0",
		"upstream_rq_pending_active outbound|1||b 7",
		"upstream_rq_pending_active outbound|1||c 7",
		"upstream_rq_pending_overflow outbound|1||a 5",
		"upstream_rq_retry_overflow outbound|1||b 6",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
