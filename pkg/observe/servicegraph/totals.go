package servicegraph

import (
	"slices"
	"strconv"
	"time"
)

// The names of the totals, which are those of the service graphs of OpenTelemetry's collector (its
// servicegraph connector) and of Grafana Tempo, so that dashboards made for these work.
const (
	TotalRequests = "traces_service_graph_request_total"
	TotalFailed   = "traces_service_graph_request_failed_total"
	ClientSeconds = "traces_service_graph_request_client_seconds"
	ServerSeconds = "traces_service_graph_request_server_seconds"
	TotalDropped  = "traces_service_graph_dropped_spans_total"
)

// totalBounds are the buckets that totals are told in: as fine as an alert needs.
var totalBounds = [...]time.Duration{
	1e6, 2.5e6, 5e6, 10e6, 25e6, 50e6, 100e6, 250e6, 500e6, 1e9, 2.5e9, 5e9, 10e9,
}

// totals count from the beginning.
type totals struct {
	requests, failed int64
	seconds          float64
	buckets          [len(totalBounds) + 1]int64
}

func (t *totals) observe(took time.Duration, failed bool) {
	t.requests++
	if failed {
		t.failed++
	}
	t.seconds += took.Seconds()
	i, _ := slices.BinarySearch(totalBounds[:], took)
	t.buckets[i]++
}

// Label is one label of a total.
type Label struct{ Name, Value string }

// Collect tells every total as Prometheus exposes them: counters, and for the two histograms their
// _bucket, _sum and _count. emit must not keep labels, and must not call the graph.
func (g *Graph) Collect(emit func(name string, labels []Label, value float64)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tick()
	for k, e := range g.edges {
		labels := []Label{{"client", k.caller}, {"server", k.callee}}
		emit(TotalRequests, labels, float64(e.client.requests))
		emit(TotalFailed, labels, float64(e.client.failed))
		e.client.collect(ClientSeconds, labels, emit)
		e.server.collect(ServerSeconds, labels, emit)
	}
	emit(TotalDropped, nil, float64(g.dropped.Series+g.dropped.Nameless))
}

func (t *totals) collect(name string, labels []Label, emit func(string, []Label, float64)) {
	cumulative, bucket := int64(0), append(slices.Clip(labels), Label{Name: "le"})
	for i, n := range t.buckets {
		cumulative += n
		bucket[len(labels)].Value = "+Inf"
		if i < len(totalBounds) {
			bucket[len(labels)].Value = strconv.FormatFloat(totalBounds[i].Seconds(), 'g', -1, 64)
		}
		emit(name+"_bucket", bucket, float64(cumulative))
	}
	emit(name+"_sum", labels, t.seconds)
	emit(name+"_count", labels, float64(t.requests))
}
