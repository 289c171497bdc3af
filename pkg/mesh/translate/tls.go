package translate

import (
	"maps"
	"slices"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/structpb"
	networking "istio.io/api/networking/v1alpha3"
)

const (
	tlsSocket   = "envoy.transport_sockets.tls"
	plainSocket = "envoy.transport_sockets.raw_buffer"
	// tlsModeKey is the metadata of an endpoint that chooses its socket, istioMode its value for mutual TLS.
	tlsModeKey, istioMode = "tlsMode", "istio"
)

// secure chooses how connections to a cluster are secured. Where no object says it, endpoints with a sidecar take
// mutual TLS and the others plain text.
func (m *Mesh) secure(c *clusterv3.Cluster, s *Service, sni string, http2 bool, tls *networking.ClientTLSSettings) {
	if tls.GetSni() != "" {
		sni = tls.GetSni()
	}
	names := tls.GetSubjectAltNames()
	if len(names) == 0 {
		names = m.identities(s)
	}
	switch {
	case tls == nil && c.GetType() == clusterv3.Cluster_EDS:
		c.TransportSocketMatches = []*clusterv3.Cluster_TransportSocketMatch{
			{Name: "tlsMode-istio", Match: tlsMode(), TransportSocket: mutualTLS(sni, http2, names)},
			{Name: "tlsMode-disabled", Match: &structpb.Struct{}, TransportSocket: &corev3.TransportSocket{Name: plainSocket}},
		}
	case tls == nil, tls.GetMode() == networking.ClientTLSSettings_ISTIO_MUTUAL:
		c.TransportSocket = mutualTLS(sni, http2, names)
	}
	// DISABLE is plain text. The other modes have no socket either, and no endpoints: see reachable.
}

// reachable reports whether a cluster can be called: TLS with certificates other than the workload's own is not
// translated, and must not become plain text.
func reachable(tls *networking.ClientTLSSettings) bool {
	switch tls.GetMode() {
	case networking.ClientTLSSettings_SIMPLE, networking.ClientTLSSettings_MUTUAL:
		return false
	}
	return true
}

// tlsMode is the metadata of endpoints that take mutual TLS.
func tlsMode() *structpb.Struct {
	return &structpb.Struct{Fields: map[string]*structpb.Value{tlsModeKey: structpb.NewStringValue(istioMode)}}
}

// mutualTLS is a socket of mutual TLS with the workload's own certificate.
func mutualTLS(sni string, http2 bool, names []string) *corev3.TransportSocket {
	var accepted []*matcherv3.StringMatcher
	for _, name := range names {
		accepted = append(accepted, &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: name}})
	}
	protocols := []string{"istio-peer-exchange", "istio"}
	if http2 {
		protocols = append(protocols, "h2")
	}
	return &corev3.TransportSocket{Name: tlsSocket, ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: Pack(&tlsv3.UpstreamTlsContext{
		Sni: sni, CommonTlsContext: tlsContext(protocols, accepted),
	})}}
}

// identities are those of a service's workloads, each once.
func (m *Mesh) identities(s *Service) []string {
	accounts := map[string]bool{}
	for _, e := range s.Endpoints {
		if e.ServiceAccount != "" {
			accounts["spiffe://"+m.TrustDomain+"/ns/"+s.Namespace+"/sa/"+e.ServiceAccount] = true
		}
	}
	return slices.Sorted(maps.Keys(accounts))
}
