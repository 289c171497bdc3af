package show

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// Clusters are the groups of endpoints of a sidecar.
func Clusters(r *xds.Resources, live Live) []Cluster {
	counts := map[string]int{}
	for _, e := range Endpoints(r, live) {
		counts[e.Cluster]++
	}
	var rows []Cluster
	for _, c := range r.Clusters {
		port, subset, host := SplitCluster(c.GetName())
		breakers := breakersOf(c, live.Measured[c.GetName()])
		rows = append(rows, Cluster{
			Name: c.GetName(), Host: host, Port: port, Subset: subset, Direction: direction(c.GetName()), Type: c.GetType().String(),
			Endpoints: counts[c.GetName()], Ejected: len(live.Ejected[c.GetName()]), Policy: strings.Join(ClusterPolicy(c), ", "),
			Breakers: breakers, Object: ObjectOf(c.GetMetadata()), Resource: withBreakers(c, breakers),
		})
	}
	return rows
}

// ClusterPolicy says how a cluster chooses among its endpoints, and what it limits, a phrase each.
func ClusterPolicy(c *clusterv3.Cluster) []string {
	if c.GetType() == clusterv3.Cluster_STATIC || direction(c.GetName()) == Inbound {
		return nil
	}
	words := append([]string{c.GetLbPolicy().String()}, Limits(c)...)
	if o := c.GetOutlierDetection(); o != nil {
		words = append(words, Outliers(o))
	}
	return append(words, Security(c))
}

// How a cluster is called.
const (
	AutoTLS   = "mutual TLS where the endpoint has a sidecar"
	MutualTLS = "mutual TLS"
	// FileTLS and MutualFileTLS are with a callee that need not be of the mesh, by files; the second shows a certificate.
	FileTLS       = "TLS by files"
	MutualFileTLS = "TLS by files, with a certificate of the caller"
	Plaintext     = "plaintext"
)

// Security is how a cluster is called.
func Security(c *clusterv3.Cluster) string {
	switch {
	case len(c.GetTransportSocketMatches()) > 0:
		return AutoTLS
	case c.GetTransportSocket() == nil:
		return Plaintext
	}
	var context tlsv3.UpstreamTlsContext
	if c.GetTransportSocket().GetTypedConfig().UnmarshalTo(&context) != nil {
		return MutualTLS
	}
	switch secrets := context.GetCommonTlsContext().GetTlsCertificateSdsSecretConfigs(); {
	case len(secrets) == 0:
		return FileTLS
	case strings.HasPrefix(secrets[0].GetName(), "file-cert:"):
		return MutualFileTLS
	}
	return MutualTLS
}

// Limits are those of a cluster's connections and requests, a phrase each.
func Limits(c *clusterv3.Cluster) []string {
	var words []string
	for _, l := range limitsOf(c) {
		words = append(words, fmt.Sprintf("at most %d %s", l.n, l.name))
	}
	for _, t := range c.GetCircuitBreakers().GetThresholds() {
		if b := t.GetRetryBudget(); b != nil {
			words = append(words, retryBudget(b))
		}
	}
	return words
}

// HasRetryBudget reports whether a budget bounds the retries of a cluster.
func HasRetryBudget(c *clusterv3.Cluster) bool {
	return slices.ContainsFunc(c.GetCircuitBreakers().GetThresholds(), func(t *clusterv3.CircuitBreakers_Thresholds) bool { return t.GetRetryBudget() != nil })
}

// retryBudget says how many retries a budget allows.
func retryBudget(b *clusterv3.CircuitBreakers_Thresholds_RetryBudget) string {
	percent, least := 20.0, uint32(3) // Envoy's defaults
	if b.GetBudgetPercent() != nil {
		percent = b.GetBudgetPercent().GetValue()
	}
	if b.GetMinRetryConcurrency() != nil {
		least = b.GetMinRetryConcurrency().GetValue()
	}
	return fmt.Sprintf("retries at most %g%% of requests, or %d", percent, least)
}

// Outliers says when an endpoint is ejected.
func Outliers(o *clusterv3.OutlierDetection) string {
	var when []string
	n, enforced := uint32(5), uint32(100) // Envoy's defaults
	if o.GetConsecutive_5Xx() != nil {
		n = o.GetConsecutive_5Xx().GetValue()
	}
	if o.GetEnforcingConsecutive_5Xx() != nil {
		enforced = o.GetEnforcingConsecutive_5Xx().GetValue()
	}
	if n > 0 && enforced > 0 {
		when = append(when, fmt.Sprintf("%d errors in a row", n))
	}
	if g := o.GetConsecutiveGatewayFailure().GetValue(); g > 0 && o.GetEnforcingConsecutiveGatewayFailure().GetValue() > 0 {
		when = append(when, fmt.Sprintf("%d gateway errors in a row", g))
	}
	if len(when) == 0 {
		return "ejects nothing"
	}
	most := uint32(10)
	if o.GetMaxEjectionPercent() != nil {
		most = o.GetMaxEjectionPercent().GetValue()
	}
	text := "ejects after " + strings.Join(when, " or ")
	if t := o.GetBaseEjectionTime(); t != nil {
		text += " for " + t.AsDuration().String()
	}
	return text + fmt.Sprintf(", at most %d%% of endpoints", most)
}

// Endpoints are those of each cluster.
func Endpoints(r *xds.Resources, live Live) []Endpoint {
	var rows []Endpoint
	for _, a := range r.Endpoints {
		rows = append(rows, assigned(a, withEjections(a, live.Ejected[a.GetClusterName()]), live)...)
	}
	for _, c := range r.Clusters {
		if a := c.GetLoadAssignment(); a != nil {
			rows = append(rows, assigned(a, c, live)...)
		}
	}
	return rows
}

func assigned(a *endpointv3.ClusterLoadAssignment, resource proto.Message, live Live) []Endpoint {
	var rows []Endpoint
	for _, l := range a.GetEndpoints() {
		for _, e := range l.GetLbEndpoints() {
			address := Address(e.GetEndpoint().GetAddress())
			row := Endpoint{
				Address: address, Status: "HEALTHY", Outlier: "OK", Cluster: a.GetClusterName(), Instance: live.Instances[address],
				Security: security(e.GetMetadata()), Resource: resource,
			}
			switch e.GetHealthStatus() {
			case corev3.HealthStatus_UNHEALTHY, corev3.HealthStatus_DRAINING, corev3.HealthStatus_TIMEOUT:
				row.Status = "UNHEALTHY"
			}
			if ejection, ok := live.Ejected[a.GetClusterName()][address]; ok {
				row.Outlier, row.Ejection = "FAILED", ejection
			}
			rows, resource = append(rows, row), nil
		}
	}
	return rows
}

// security is how connections to an endpoint are secured where its cluster leaves that to it.
func security(m *corev3.Metadata) string {
	if m.GetFilterMetadata()["envoy.transport_socket_match"].GetFields()["tlsMode"].GetStringValue() == "istio" {
		return "mutual_tls"
	}
	return "none"
}

// Address is "HOST:PORT", or the path of a socket.
func Address(a *corev3.Address) string {
	if s := a.GetSocketAddress(); s != nil {
		return net.JoinHostPort(s.GetAddress(), strconv.FormatUint(uint64(s.GetPortValue()), 10))
	}
	return a.GetPipe().GetPath()
}
