package sidecar

import (
	"math"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
)

// The measurements of circuit breakers, under Envoy's names. Those of requests in excess of http1MaxPendingRequests and of
// http2MaxRequests are one there.
var (
	connectionOverflow = clusterDesc("upstream_cx_overflow", "Connections that maxConnections did not let a cluster have.")
	requestOverflow    = clusterDesc("upstream_rq_pending_overflow", "Requests that failed at a limit of requests, or of those that wait for a connection.")
	retryOverflow      = clusterDesc("upstream_rq_retry_overflow", "Retries that did not happen, since maxRetries were under way.")

	pendingRequests = clusterDesc("upstream_rq_pending_active", "Requests that wait for a connection.")

	remainingConnections = breakerDesc("cx", "connections")
	remainingPending     = breakerDesc("pending", "requests that wait for a connection")
	remainingRequests    = breakerDesc("rq", "requests")
	remainingRetries     = breakerDesc("retries", "retries")
)

func clusterDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("envoy_cluster_"+name, help, []string{"cluster_name"}, nil)
}

func breakerDesc(name, what string) *prometheus.Desc {
	return clusterDesc("circuit_breakers_default_remaining_"+name, "How many more "+what+" a cluster can have at this time.")
}

// breakers measures how full the circuit breakers of clusters are: of those to other services, and those with a limit. Others
// would be many series that say nothing.
type breakers func() []cluster.Stats

// Describe implements prometheus.Collector.
func (breakers) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		connectionOverflow, requestOverflow, retryOverflow, pendingRequests, remainingConnections, remainingPending, remainingRequests, remainingRetries,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (b breakers) Collect(ch chan<- prometheus.Metric) {
	for _, c := range b() {
		if !strings.HasPrefix(c.Name, "outbound|") {
			continue
		}
		for _, one := range []struct {
			is        cluster.BreakerStats
			remaining *prometheus.Desc
		}{{c.Connections, remainingConnections}, {c.Pending, remainingPending}, {c.Requests, remainingRequests}, {c.Retries, remainingRetries}} {
			if limited(one.is) {
				free := max(float64(one.is.Limit)-float64(one.is.Active), 0)
				ch <- prometheus.MustNewConstMetric(one.remaining, prometheus.GaugeValue, free, c.Name)
			}
		}
		if limited(c.Pending) || c.Pending.Active > 0 {
			ch <- prometheus.MustNewConstMetric(pendingRequests, prometheus.GaugeValue, float64(c.Pending.Active), c.Name)
		}
		overflow := func(d *prometheus.Desc, all ...cluster.BreakerStats) {
			sum, any := uint64(0), false
			for _, one := range all {
				sum, any = sum+one.Overflows, any || limited(one)
			}
			if any {
				ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(sum), c.Name)
			}
		}
		overflow(connectionOverflow, c.Connections)
		overflow(requestOverflow, c.Pending, c.Requests)
		overflow(retryOverflow, c.Retries)
	}
}

// limited reports whether a breaker has a limit: istiod writes the highest number for none.
func limited(b cluster.BreakerStats) bool { return b.Limit < math.MaxUint32 }
