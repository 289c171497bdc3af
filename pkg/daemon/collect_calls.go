package daemon

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
)

// callsCollector counts the calls between services since the daemon started, under the names of the service graphs
// of OpenTelemetry's collector and of Grafana Tempo, so that dashboards made for these work.
type callsCollector struct {
	calls *calls
	now   func() time.Time
}

// Describe implements prometheus.Collector. What is not described is checked when it is collected.
func (c *callsCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *callsCollector) Collect(out chan<- prometheus.Metric) {
	edge := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"client", "server", "connection_type"}, nil)
	}
	requests := edge("traces_service_graph_request_total", "Calls between two services, by their spans.")
	failed := edge("traces_service_graph_request_failed_total", "Calls between two services that failed.")
	calls := edge("traces_service_graph_request_client_seconds", "Time of calls between two services, as the caller sees it.")
	served := edge("traces_service_graph_request_server_seconds", "Time of calls between two services, as the callee sees it.")
	c.collectLatencies(out)
	all, dropped := c.calls.Totals()
	for _, t := range all {
		connection := ""
		if t.Asynchronous {
			connection = "messaging_system"
		}
		counter := func(d *prometheus.Desc, n uint64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), t.Caller, t.Callee, connection)
		}
		counter(requests, t.Requests)
		counter(failed, t.Failed)
		for desc, h := range map[*prometheus.Desc]servicegraph.Histogram{calls: t.Calls, served: t.Served} {
			out <- prometheus.MustNewConstHistogram(desc, h.Count, h.Seconds, h.Buckets, t.Caller, t.Callee, connection)
		}
	}
	out <- prometheus.MustNewConstMetric(prometheus.NewDesc("traces_service_graph_dropped_spans_total",
		"Spans that are on no edge: the callee has no name, or there are too many names.", nil, nil),
		prometheus.CounterValue, float64(dropped.Series+dropped.Nameless))
}

// collectLatencies reports the quantiles that all views show, of the services that send spans.
func (c *callsCollector) collectLatencies(out chan<- prometheus.Metric) {
	desc := prometheus.NewDesc("shopctl_latency_seconds", "Quantiles of the time that a service took for requests, by its spans of the last 30 seconds.", []string{"service", "quantile"}, nil)
	now := c.now()
	for _, n := range c.calls.Between(now.Add(-latencyWindow), now).Nodes {
		if n.Requests == 0 {
			continue
		}
		for q, took := range map[string]time.Duration{"0.5": n.P50, "0.95": n.P95, "0.99": n.P99} {
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, took.Seconds(), n.Service, q)
		}
	}
}
