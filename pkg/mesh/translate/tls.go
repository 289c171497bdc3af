package translate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
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

// SecureServer is a server of a Gateway that takes connections with TLS.
type SecureServer struct {
	// Routes is the name of its routes, Hosts are the names that callers may ask for; none: any.
	Routes string
	Hosts  []string
	Socket *corev3.TransportSocket
	// VirtualHosts are its routes, and All reports whether it takes requests for every host.
	VirtualHosts []*routev3.VirtualHost
	All          bool
}

// SecureServers are the servers of TLS that Gateways give a workload at a port: those whose credentials there are. To the others
// no connection can be made. wanted: there is one, with its credentials or without.
func (m *Mesh) SecureServers(w Workload, port uint32) (all []SecureServer, wanted bool) {
	servers := m.servers(w, port, SecuredMode)
	for _, s := range servers {
		socket := m.gatewayTLS(w, s.spec.GetTls())
		if socket == nil {
			continue
		}
		one := SecureServer{
			Routes: fmt.Sprintf("https.%d.%s.%s.%s", port, s.spec.GetPort().GetName(), s.gateway.Name, s.gateway.Namespace), Socket: socket,
			VirtualHosts: m.virtualHosts(w, port, []server{s}),
		}
		for _, h := range s.spec.GetHosts() {
			host := strings.ToLower(h[strings.IndexByte(h, '/')+1:])
			one.All = one.All || host == "*"
			one.Hosts = append(one.Hosts, host)
		}
		if one.All {
			one.Hosts = nil
		}
		all = append(all, one)
	}
	return all, len(servers) > 0
}

// SecuredMode reports whether a gateway ends connections of TLS itself: it shows its own certificate, and with MUTUAL asks for one.
func SecuredMode(s *networking.Server) bool {
	mode := s.GetTls().GetMode()
	return strings.EqualFold(s.GetPort().GetProtocol(), "HTTPS") && s.GetTls().GetCredentialName() != "" &&
		(mode == networking.ServerTLSSettings_SIMPLE || mode == networking.ServerTLSSettings_MUTUAL)
}

// gatewayTLS is the socket of a server with TLS; nil without its credential.
func (m *Mesh) gatewayTLS(w Workload, settings *networking.ServerTLSSettings) *corev3.TransportSocket {
	c, ok := m.Credentials[w.Namespace+"/"+settings.GetCredentialName()]
	mutual := settings.GetMode() == networking.ServerTLSSettings_MUTUAL
	if !ok || mutual && len(c.CA) == 0 {
		return nil
	}
	inline := func(pem []byte) *corev3.DataSource {
		return &corev3.DataSource{Specifier: &corev3.DataSource_InlineBytes{InlineBytes: pem}}
	}
	common := &tlsv3.CommonTlsContext{
		AlpnProtocols:   []string{"h2", "http/1.1"},
		TlsCertificates: []*tlsv3.TlsCertificate{{CertificateChain: inline(c.Certificate), PrivateKey: inline(c.Key)}},
	}
	if mutual {
		peer := &tlsv3.CertificateValidationContext{TrustedCa: inline(c.CA)}
		for _, name := range settings.GetSubjectAltNames() {
			//lint:ignore SA1019 Istio sets the older field.
			peer.MatchSubjectAltNames = append(peer.MatchSubjectAltNames, &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: name}})
		}
		common.ValidationContextType = &tlsv3.CommonTlsContext_ValidationContext{ValidationContext: peer}
	}
	return &corev3.TransportSocket{Name: tlsSocket, ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: Pack(&tlsv3.DownstreamTlsContext{
		RequireClientCertificate: wrapperspb.Bool(mutual), CommonTlsContext: common,
	})}}
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
