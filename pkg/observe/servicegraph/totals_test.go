package servicegraph

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

func TestTotalsAreToldAsAPrometheusScrapesThem(t *testing.T) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	for _, code := range []string{"OK", "OK", "UNAVAILABLE"} {
		client, server := s.call("checkout", "payment", code)
		g.Add([]trace.Record{client, server})
	}
	c.forward(2 * Kept) // totals are for good, whatever the windows forget
	got := map[string]float64{}
	g.Collect(func(name string, labels []Label, value float64) { got[fmt.Sprint(name, labels)] = value })
	for series, want := range map[string]float64{
		"traces_service_graph_request_total[{client checkout} {server payment}]":                            3,
		"traces_service_graph_request_failed_total[{client checkout} {server payment}]":                     1,
		"traces_service_graph_request_client_seconds_bucket[{client checkout} {server payment} {le 0.01}]":  0,
		"traces_service_graph_request_client_seconds_bucket[{client checkout} {server payment} {le 0.025}]": 3,
		"traces_service_graph_request_client_seconds_bucket[{client checkout} {server payment} {le +Inf}]":  3,
		"traces_service_graph_request_client_seconds_count[{client checkout} {server payment}]":             3,
		"traces_service_graph_request_client_seconds_sum[{client checkout} {server payment}]":               0.06,
		"traces_service_graph_request_server_seconds_bucket[{client checkout} {server payment} {le 0.005}]": 0,
		"traces_service_graph_request_server_seconds_bucket[{client checkout} {server payment} {le 0.01}]":  3,
		"traces_service_graph_dropped_spans_total[]":                                                        0,
	} {
		if v, ok := got[series]; !ok || math.Abs(v-want) > 1e-9 {
			t.Errorf("%s is %v (%v), want %v", series, v, ok, want)
		}
	}
}

func TestQuantilesAreInterpolatedWithinTheirBucket(t *testing.T) {
	var c counts
	for ms := range 1000 {
		c[bucketOf(time.Duration(ms)*time.Millisecond)]++
	}
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.95: 950 * time.Millisecond, 0.99: 990 * time.Millisecond} {
		if got := c.quantile(q); (got - want).Abs() > 20*time.Millisecond {
			t.Errorf("quantile %v is %s, want about %s", q, got, want)
		}
	}
	if got := new(counts).quantile(0.5); got != 0 {
		t.Errorf("of nothing: %s", got)
	}
	c = counts{}
	c[bucketOf(time.Hour)]++
	if got := c.quantile(0.5); got != time.Minute {
		t.Errorf("beyond the last bound: %s", got)
	}
}

// BenchmarkAdd is what counting costs for each span, both sides of calls over the edges of a shop.
func BenchmarkAdd(b *testing.B) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	services := []string{"frontend", "cart", "catalog", "currency", "checkout", "payment", "shipping", "email"}
	batch := make([]trace.Record, 0, 512)
	for i := range cap(batch) / 2 {
		client, server := s.call(services[i%3], services[(i+1)%8], "OK")
		batch = append(batch, server, client)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += len(batch) {
		g.Add(batch)
		c.forward(20 * time.Millisecond)
		for i := range batch {
			batch[i].Trace[0]++
			if batch[i].Trace[0] == 0 {
				batch[i].Trace[1]++
			}
		}
	}
}

// BenchmarkLast looks at 30 s of a graph that is as large as it gets.
func BenchmarkLast(b *testing.B) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	for range 40 {
		for i := range maxEdges {
			client, server := s.call(fmt.Sprint("caller ", i), fmt.Sprint("callee ", i%maxNodes), "OK")
			g.Add([]trace.Record{server, client})
		}
		c.forward(time.Second)
	}
	b.ReportAllocs()
	for b.Loop() {
		g.Last(30 * time.Second)
	}
}
