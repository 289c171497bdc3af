package cluster_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
)

// config is a cluster as JSON, with further fields.
func config(t testing.TB, name, fields string) *clusterv3.Cluster {
	t.Helper()
	c := &clusterv3.Cluster{}
	text := `{"name": "` + name + `", "type": "EDS", "commonLbConfig": {"healthyPanicThreshold": {}}` + fields + `}`
	if err := protojson.Unmarshal([]byte(text), c); err != nil {
		t.Fatal(err)
	}
	return c
}

// endpoints are hosts at the ports of one address; a port with an s takes mutual TLS.
func endpoints(t testing.TB, name string, ports ...string) *endpointv3.ClusterLoadAssignment {
	t.Helper()
	var list []string
	for _, port := range ports {
		number, secure := strings.CutSuffix(port, "s")
		metadata := ""
		if secure {
			metadata = `, "metadata": {"filterMetadata": {"envoy.transport_socket_match": {"tlsMode": "istio"}}}`
		}
		list = append(list, fmt.Sprintf(`{"endpoint": {"address": {"socketAddress": {"address": "10.0.0.1", "portValue": %s}}}%s}`, number, metadata))
	}
	a := &endpointv3.ClusterLoadAssignment{}
	text := `{"clusterName": "` + name + `", "endpoints": [{"lbEndpoints": [` + strings.Join(list, ",") + `]}]}`
	if err := protojson.Unmarshal([]byte(text), a); err != nil {
		t.Fatal(err)
	}
	return a
}

// one returns a set with one cluster, which ends with the test.
func one(t testing.TB, events cluster.Events, fields string, ports ...string) (*cluster.Set, *cluster.Cluster) {
	t.Helper()
	s := cluster.NewSet(events)
	update(t, s, fields, ports...)
	return s, s.Get("c")
}

func update(t testing.TB, s *cluster.Set, fields string, ports ...string) {
	t.Helper()
	if err := s.Update([]*clusterv3.Cluster{config(t, "c", fields)}, []*endpointv3.ClusterLoadAssignment{endpoints(t, "c", ports...)}); err != nil {
		t.Fatal(err)
	}
}

func pick(t testing.TB, c *cluster.Cluster) *cluster.Host {
	t.Helper()
	h, err := c.Pick(0, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func host(t testing.TB, c *cluster.Cluster, port string) *cluster.Host {
	t.Helper()
	for _, h := range c.Hosts() {
		if h.Address == "10.0.0.1:"+port {
			return h
		}
	}
	t.Fatalf("no host at port %s", port)
	return nil
}

func TestAnUnknownClusterIsNil(t *testing.T) {
	s, _ := one(t, cluster.Events{}, "", "1")
	defer s.Close()
	if s.Get("other") != nil {
		t.Error("another cluster is there")
	}
}

func TestAClusterWithoutHostsHasNoHealthyUpstream(t *testing.T) {
	s, c := one(t, cluster.Events{}, "")
	defer s.Close()
	if _, err := c.Pick(0, nil, 0); !errors.Is(err, cluster.ErrNoHealthyUpstream) || err.Error() != "no healthy upstream" {
		t.Errorf("the error is %v", err)
	}
}

func TestHostsAreKeptByTheirAddress(t *testing.T) {
	var drained []string
	s, c := one(t, cluster.Events{Drain: func(h *cluster.Host) { drained = append(drained, h.Address) }}, "", "1", "2")
	first := host(t, c, "1")
	first.Begin()
	update(t, s, "", "3", "1")
	if s.Get("c") != c || host(t, c, "1") != first || first.Active() != 1 {
		t.Error("the host is another one")
	}
	if len(drained) != 1 || drained[0] != "10.0.0.1:2" {
		t.Errorf("drained are %v", drained)
	}
	s.Close()
	if len(drained) != 3 {
		t.Errorf("drained are %v", drained)
	}
}

func TestAChangedClusterBeginsAnew(t *testing.T) {
	drained := 0
	s, c := one(t, cluster.Events{Drain: func(*cluster.Host) { drained++ }}, "", "1")
	defer s.Close()
	c.Requests.Acquire()
	update(t, s, `, "connectTimeout": "3s"`, "1")
	if now := s.Get("c"); now == c || now.Requests.Active() != 0 || drained != 1 {
		t.Errorf("the cluster is the same: %t, drained %d", now == c, drained)
	}
}

func TestAnUpdateWithAnErrorChangesNothing(t *testing.T) {
	s, c := one(t, cluster.Events{}, "", "1")
	defer s.Close()
	for _, fields := range []string{
		`, "type": "LOGICAL_DNS"`, `, "lbPolicy": "LOAD_BALANCING_POLICY_CONFIG"`, `, "transportSocket": {"name": "other"}`,
	} {
		bad := config(t, "c", strings.ReplaceAll(fields, `, "type": "LOGICAL_DNS"`, ""))
		if strings.Contains(fields, "LOGICAL_DNS") {
			bad.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_LOGICAL_DNS}
		}
		if err := s.Update([]*clusterv3.Cluster{bad}, nil); err == nil {
			t.Errorf("%s is taken", fields)
		}
	}
	good := config(t, "c", "")
	if err := s.Update([]*clusterv3.Cluster{good, good}, nil); err == nil {
		t.Error("a cluster is taken twice")
	}
	if s.Get("c") != c || len(c.Hosts()) != 1 {
		t.Error("the cluster has changed")
	}
}

func TestHostsAreSecuredAsTheirMetadataSays(t *testing.T) {
	const sockets = `, "transportSocketMatches": [
		{"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, "transportSocket": {"name": "envoy.transport_sockets.tls", "typedConfig": {
			"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", "sni": "outbound_.1_._.c",
			"commonTlsContext": {"alpnProtocols": ["istio", "h2"], "combinedValidationContext": {"defaultValidationContext": {"matchSubjectAltNames": [{"exact": "spiffe://cluster.local/ns/shop/sa/cart"}]}}}}}},
		{"name": "tlsMode-disabled", "match": {}, "transportSocket": {"name": "envoy.transport_sockets.raw_buffer"}}]`
	drained := 0
	s, c := one(t, cluster.Events{Drain: func(*cluster.Host) { drained++ }}, sockets, "1s", "2")
	defer s.Close()
	secure := host(t, c, "1").TLS()
	if secure == nil || secure.ServerName != "outbound_.1_._.c" || len(secure.ALPN) != 2 || host(t, c, "2").TLS() != nil {
		t.Fatalf("the hosts are secured by %+v and %+v", secure, host(t, c, "2").TLS())
	}
	if !secure.Accepts("other", "spiffe://cluster.local/ns/shop/sa/cart") || secure.Accepts("spiffe://cluster.local/ns/shop/sa/cartx") || secure.Accepts() {
		t.Error("another name is accepted")
	}
	before := host(t, c, "1")
	update(t, s, sockets, "1", "2")
	if after := host(t, c, "1"); after != before || after.TLS() != nil || drained != 1 {
		t.Error("the host is not secured otherwise")
	}
}

func TestALimitOfCircuitBreakersIsNotPassed(t *testing.T) {
	s, c := one(t, cluster.Events{}, `, "circuitBreakers": {"thresholds": [{"priority": "HIGH", "maxRequests": 9}, {"maxConnections": 1, "maxPendingRequests": 2, "maxRequests": 3, "maxRetries": 0}]}`, "1")
	defer s.Close()
	for _, b := range []struct {
		breaker *cluster.Breaker
		limit   int
	}{{c.Connections, 1}, {c.Pending, 2}, {c.Requests, 3}, {c.Retries, 0}} {
		for range b.limit {
			if !b.breaker.Acquire() {
				t.Errorf("limit %d is reached early", b.limit)
			}
		}
		if b.breaker.Acquire() || b.breaker.Overflows() != 1 || b.breaker.Active() != int64(b.limit) {
			t.Errorf("limit %d is passed", b.limit)
		}
		b.breaker.Force()
		b.breaker.Release()
		if b.limit > 0 {
			b.breaker.Release()
			if !b.breaker.Acquire() {
				t.Errorf("limit %d stays reached", b.limit)
			}
		}
	}
	stats := c.Stats()
	if stats.Requests != (cluster.BreakerStats{Active: 3, Limit: 3, Overflows: 1}) {
		t.Errorf("the statistics are %+v", stats.Requests)
	}
}

func TestARetryBudgetGrowsWithTheRequests(t *testing.T) {
	s, c := one(t, cluster.Events{}, `, "circuitBreakers": {"thresholds": [{"retryBudget": {"budgetPercent": {"value": 50}, "minRetryConcurrency": 1}}]}`, "1")
	defer s.Close()
	if c.Retries.Limit() != 1 {
		t.Errorf("the limit is %d", c.Retries.Limit())
	}
	for range 8 {
		c.Requests.Acquire()
	}
	if c.Retries.Limit() != 4 {
		t.Errorf("the limit is %d", c.Retries.Limit())
	}
}

func TestTheProtocolIsThatOfTheOptions(t *testing.T) {
	s, c := one(t, cluster.Events{}, `, "typedExtensionProtocolOptions": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
		"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
		"commonHttpProtocolOptions": {"idleTimeout": "5s", "maxRequestsPerConnection": 7}, "explicitHttpConfig": {"http2ProtocolOptions": {"maxConcurrentStreams": 9}}}}`)
	defer s.Close()
	if !c.HTTP2 || c.IdleTimeout.Seconds() != 5 || c.MaxRequestsPerConnection != 7 || c.MaxConcurrentStreams != 9 || c.ConnectTimeout.Seconds() != 5 {
		t.Errorf("the cluster is %+v", c)
	}
}

func TestWhileRoutesChangeTheOldClustersAndTheNewOnesAreThere(t *testing.T) {
	s, old := one(t, cluster.Events{}, "", "1")
	defer s.Close()
	seen := false
	err := s.Replace([]*clusterv3.Cluster{config(t, "d", "")}, []*endpointv3.ClusterLoadAssignment{endpoints(t, "d", "2")}, func() {
		seen = true
		if s.Get("c") != old || len(old.Hosts()) != 1 || s.Get("d") == nil || len(s.Get("d").Hosts()) != 1 {
			t.Error("a cluster is missing, or without hosts")
		}
	})
	if err != nil || !seen || s.Get("c") != nil || s.Get("d") == nil {
		t.Errorf("after that: routes changed %v, clusters %v and %v, %v", seen, s.Get("c"), s.Get("d"), err)
	}
	bad := config(t, "e", "")
	if err := s.Replace([]*clusterv3.Cluster{bad, bad}, nil, func() { t.Error("routes changed although the clusters are refused") }); err == nil {
		t.Error("a cluster that is there twice is accepted")
	}
}
