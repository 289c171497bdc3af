package translate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	networking "istio.io/api/networking/v1alpha3"
)

// ConnectTimeout bounds the start of a connection where no object does.
const ConnectTimeout = 10 * time.Second

// Clusters returns the clusters of a service's port for a sidecar by name: one with all endpoints, and one for each
// subset.
func (m *Mesh) Clusters(proxy Proxy, s *Service, port Port) []*clusterv3.Cluster {
	d := m.destination(proxy, m.host(s))
	var clusters []*clusterv3.Cluster
	add := func(subset string) {
		c := m.cluster(s, port, subset, d.policyOf(port.Number, subset))
		if d.rule != nil {
			c.Metadata = origin(d.origin(subset))
		}
		clusters = append(clusters, c)
	}
	add("")
	for _, subset := range d.subsets {
		add(subset.GetName())
	}
	slices.SortFunc(clusters, func(a, b *clusterv3.Cluster) int { return strings.Compare(a.GetName(), b.GetName()) })
	return clusters
}

func (m *Mesh) cluster(s *Service, port Port, subset string, policy *networking.TrafficPolicy) *clusterv3.Cluster {
	name := clusterName(port.Number, subset, m.host(s))
	c := &clusterv3.Cluster{
		Name:                 name,
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig:     &clusterv3.Cluster_EdsClusterConfig{EdsConfig: overADS(), ServiceName: name},
		ConnectTimeout:       durationpb.New(ConnectTimeout),
		// All endpoints ejected means that there is none. Envoy would otherwise call them all.
		CommonLbConfig: &clusterv3.Cluster_CommonLbConfig{HealthyPanicThreshold: &typev3.Percent{}},
	}
	balanceLoad(c, policy.GetLoadBalancer())
	limitConnections(c, policy.GetConnectionPool(), policy.GetRetryBudget())
	detectOutliers(c, policy.GetOutlierDetection())
	http2 := port.Protocol.http2() || upgrades(port.Protocol, policy.GetConnectionPool().GetHttp())
	speakHTTP(c, http2, policy.GetConnectionPool(), serverNames(policy.GetTls()))
	m.secure(c, s, serverName(port.Number, subset, m.host(s)), http2, policy.GetTls())
	return c
}

// ByEndpoints makes of a cluster that goes where its caller wanted to go one that gets its endpoints from the control plane.
func ByEndpoints(c *clusterv3.Cluster) {
	c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS}
	c.EdsClusterConfig = &clusterv3.Cluster_EdsClusterConfig{EdsConfig: overADS(), ServiceName: c.GetName()}
}

// overADS takes a resource from the stream that brought the one that names it.
func overADS() *corev3.ConfigSource {
	return &corev3.ConfigSource{
		ResourceApiVersion:    corev3.ApiVersion_V3,
		ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
	}
}

// unlimited is a limit that is none.
const unlimited = math.MaxUint32

// limit is a limit of an object; 0 and less are none.
func limit(n int32) uint32 {
	if n <= 0 {
		return unlimited
	}
	return uint32(n)
}

// clusterName is istiod's name of the endpoints of a service's port, all of them or those of a subset.
func clusterName(port uint32, subset, host string) string {
	return fmt.Sprintf("outbound|%d|%s|%s", port, subset, host)
}

// serverName is the name by which a callee's sidecar knows the cluster: that of the cluster, as a host can be written.
func serverName(port uint32, subset, host string) string {
	return fmt.Sprintf("outbound_.%d_.%s_.%s", port, subset, host)
}

// splitCluster takes the name of a cluster apart.
func splitCluster(name string) (port, host string, ok bool) {
	parts := strings.Split(name, "|")
	if len(parts) != 4 {
		return "", "", false
	}
	return parts[1], parts[3], true
}
