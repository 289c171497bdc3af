// Package meshgraph is what sidecars say of the calls between services: over which security, to which version, how often
// again, with which flags, and what was denied. It reads the metrics that sidecars serve under Istio's and Envoy's names.
//
// Each request is counted by its caller's sidecar alone, denials by the callee's. So nothing counts twice.
package meshgraph

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// The metrics of sidecars.
const (
	requestsTotal = "istio_requests_total"
	retriesTotal  = "envoy_cluster_upstream_rq_retry"
	rbacDenied    = "envoy_http_rbac_denied"
	tokenDenied   = "envoy_http_jwt_authn_denied"
	tcpDenied     = "envoy_tcp_rbac_denied"
	tcpOpened     = "istio_tcp_connections_opened_total"
	tcpClosed     = "istio_tcp_connections_closed_total"
	pendingActive = "envoy_cluster_upstream_rq_pending_active"
	// clusterPrefix begins the names of what counts by cluster.
	clusterPrefix = "envoy_cluster_"
)

// reach is how far before a time the sample may lie that counts from then on: scrapes are up to 15 s apart.
const reach = time.Minute

// Workload is one by its Deployment.
type Workload struct{ Namespace, Name string }

// Edge is the calls from a workload with sidecars to a Service.
type Edge struct {
	Caller Workload
	// Host is the Service's full name: "paymentservice.production.svc.cluster.local".
	Host string
	// MutualTLS and Plaintext are the requests of the caller's sidecars that reached an instance, by how.
	MutualTLS, Plaintext int64
	// MutualTLSConnections and PlaintextConnections are those of TCP whose requests are not read and which are open at the end of
	// the time.
	MutualTLSConnections, PlaintextConnections int64
	// Retries are attempts after the first.
	Retries int64
	// Overflows are what circuit breakers did not let through, by Envoy's names ("upstream_rq_pending_overflow"), and Pending the
	// requests that wait for a connection at the end of the time.
	Overflows map[string]int64
	Pending   int64
	// Versions are the requests by version of the instance, Flags those by response flag.
	Versions, Flags map[string]int64
}

// Denial is how many requests of a caller the policies of a workload denied.
type Denial struct {
	Callee Workload
	// Principal is the caller's: "spiffe://cluster.local/ns/production/sa/checkoutservice"; "unknown" without one.
	Principal string
	Requests  int64
}

// Graph is what sidecars counted over a time.
type Graph struct {
	// Edges in order of their names.
	Edges   []Edge
	Denials []Denial
}

// Queryable is a store of metrics.
type Queryable interface {
	Querier(mint, maxt int64) (storage.Querier, error)
}

// Between counts from one time to another.
func Between(ctx context.Context, db Queryable, from, to time.Time) (Graph, error) {
	q, err := db.Querier(from.Add(-reach).UnixMilli(), to.UnixMilli())
	if err != nil {
		return Graph{}, fmt.Errorf("count requests of sidecars: %w", err)
	}
	defer q.Close()
	c := counter{edges: map[edgeKey]*Edge{}, denials: map[denialKey]int64{}}
	for _, one := range c.measurements() {
		set := q.Select(ctx, false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, one.name))
		var it chunkenc.Iterator
		for set.Next() {
			it = set.At().Iterator(it)
			if n := one.measure(it, from.UnixMilli()); n != 0 {
				one.count(set.At().Labels(), n)
			}
		}
		if err := set.Err(); err != nil {
			return Graph{}, fmt.Errorf("count requests of sidecars: %w", err)
		}
	}
	return c.graph(), nil
}

// measurement is a metric of sidecars, what is measured of a series of it, and what that counts for.
type measurement struct {
	name    string
	measure func(it chunkenc.Iterator, from int64) int64
	count   func(labels.Labels, int64)
}

func (c *counter) measurements() []measurement {
	return []measurement{
		{requestsTotal, increase, c.request},
		{retriesTotal, increase, c.retry},
		{rbacDenied, increase, c.denied},
		{tokenDenied, increase, c.denied},
		{tcpDenied, increase, c.denied},
		{tcpOpened, whole, c.opened},
		{tcpClosed, whole, c.closed},
		{tcpClosed, increase, c.ended},
		{clusterPrefix + "upstream_cx_overflow", increase, c.overflow},
		{clusterPrefix + "upstream_rq_pending_overflow", increase, c.overflow},
		{clusterPrefix + "upstream_rq_retry_overflow", increase, c.overflow},
		{pendingActive, latest, c.pending},
	}
}

// increase is by how much a counter has grown since a time. A new one starts at zero, as one does that is reset.
func increase(it chunkenc.Iterator, from int64) int64 {
	var last, grown float64
	for it.Next() != chunkenc.ValNone {
		t, v := it.At()
		if math.IsNaN(v) { // what was scraped has ended
			last = 0
			continue
		}
		if v < last {
			last = 0
		}
		if t > from {
			grown += v - last
		}
		last = v
	}
	return int64(math.Round(grown))
}

// latest is the last sample since a time, unless what was scraped has ended.
func latest(it chunkenc.Iterator, from int64) int64 {
	var last float64
	for it.Next() != chunkenc.ValNone {
		if t, v := it.At(); t > from && !math.IsNaN(v) {
			last = v
		} else {
			last = 0
		}
	}
	return int64(last)
}

// whole is the last sample of a counter, unless what was scraped has ended: as much as it ever counted.
func whole(it chunkenc.Iterator, _ int64) int64 { return latest(it, math.MinInt64) }

type edgeKey struct {
	caller Workload
	host   string
}

type denialKey struct {
	callee    Workload
	principal string
}

// counter adds up series.
type counter struct {
	edges   map[edgeKey]*Edge
	denials map[denialKey]int64
}

// scraped is the workload whose sidecar has a series.
func scraped(ls labels.Labels) Workload { return Workload{ls.Get("namespace"), ls.Get("job")} }

func (c *counter) edge(ls labels.Labels, host string) *Edge {
	key := edgeKey{scraped(ls), host}
	if c.edges[key] == nil {
		c.edges[key] = &Edge{Caller: key.caller, Host: host, Versions: map[string]int64{}, Flags: map[string]int64{}, Overflows: map[string]int64{}}
	}
	return c.edges[key]
}

func (c *counter) request(ls labels.Labels, n int64) {
	if ls.Get("reporter") != "source" {
		return
	}
	e := c.edge(ls, ls.Get("destination_service"))
	switch ls.Get("connection_security_policy") {
	case "mutual_tls":
		e.MutualTLS += n
	case "none":
		e.Plaintext += n
	}
	if version := ls.Get("destination_version"); version != "unknown" {
		e.Versions[version] += n
	}
	c.flag(ls, n)
}

func (c *counter) retry(ls labels.Labels, n int64) {
	if parts := strings.Split(ls.Get("cluster_name"), "|"); len(parts) == 4 {
		c.edge(ls, parts[3]).Retries += n
	}
}

func (c *counter) overflow(ls labels.Labels, n int64) {
	if parts := strings.Split(ls.Get("cluster_name"), "|"); len(parts) == 4 {
		c.edge(ls, parts[3]).Overflows[strings.TrimPrefix(ls.Get(model.MetricNameLabel), clusterPrefix)] += n
	}
}

func (c *counter) pending(ls labels.Labels, n int64) {
	if parts := strings.Split(ls.Get("cluster_name"), "|"); len(parts) == 4 {
		c.edge(ls, parts[3]).Pending += n
	}
}

// opened counts connections that are open, of which closed takes away those that have ended.
func (c *counter) opened(ls labels.Labels, n int64) { c.connections(ls, n) }

func (c *counter) closed(ls labels.Labels, n int64) { c.connections(ls, -n) }

func (c *counter) connections(ls labels.Labels, n int64) {
	if ls.Get("reporter") != "source" {
		return
	}
	e := c.edge(ls, ls.Get("destination_service"))
	switch ls.Get("connection_security_policy") {
	case "mutual_tls":
		e.MutualTLSConnections += n
	case "none":
		e.PlaintextConnections += n
	}
}

// ended counts the flags of connections that have ended.
func (c *counter) ended(ls labels.Labels, n int64) {
	if ls.Get("reporter") == "source" {
		c.flag(ls, n)
	}
}

func (c *counter) flag(ls labels.Labels, n int64) {
	for flag := range strings.SplitSeq(ls.Get("response_flags"), ",") {
		if flag != "" && flag != "-" {
			c.edge(ls, ls.Get("destination_service")).Flags[flag] += n
		}
	}
}

func (c *counter) denied(ls labels.Labels, n int64) {
	c.denials[denialKey{scraped(ls), ls.Get("source_principal")}] += n
}

// graph is what was added up.
func (c *counter) graph() (g Graph) {
	for _, e := range c.edges {
		g.Edges = append(g.Edges, *e)
	}
	slices.SortFunc(g.Edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.Caller.Namespace, b.Caller.Namespace), cmp.Compare(a.Caller.Name, b.Caller.Name), cmp.Compare(a.Host, b.Host))
	})
	for k, n := range c.denials {
		g.Denials = append(g.Denials, Denial{k.callee, k.principal, n})
	}
	slices.SortFunc(g.Denials, func(a, b Denial) int {
		return cmp.Or(cmp.Compare(a.Callee.Namespace, b.Callee.Namespace), cmp.Compare(a.Callee.Name, b.Callee.Name), cmp.Compare(a.Principal, b.Principal))
	})
	return g
}
