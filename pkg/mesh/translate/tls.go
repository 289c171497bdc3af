package translate

import (
	"cmp"
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
	case byFiles(tls) && reachable(tls):
		c.TransportSocket = fileTLS(tls, http2)
	}
	// DISABLE is plain text. What is not reachable has no socket either, and no endpoints.
}

// reachable reports whether a cluster can be called: TLS with the certificates of a Secret is not translated, and must not
// become plain text.
func reachable(tls *networking.ClientTLSSettings) bool {
	return !byFiles(tls) || tls.GetCredentialName() == ""
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
		//lint:ignore SA1019 Istio sets the older field.
		peer.MatchSubjectAltNames = exactly(settings.GetSubjectAltNames())
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
	protocols := []string{"istio-peer-exchange", "istio"}
	if http2 {
		protocols = append(protocols, "h2")
	}
	return &corev3.TransportSocket{Name: tlsSocket, ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: Pack(&tlsv3.UpstreamTlsContext{
		Sni: sni, CommonTlsContext: tlsContext(protocols, exactly(names)),
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

// How istiod names what a sidecar reads from files: the certificates of authorities, of which "system" are those of the machine,
// and a certificate with its key, CERTIFICATE~KEY.
const (
	rootFile        = "file-root:"
	certificateFile = "file-cert:"
	systemRoots     = "system"
)

// byFiles reports whether connections are secured by files: the callee need not be of the mesh.
func byFiles(tls *networking.ClientTLSSettings) bool {
	switch tls.GetMode() {
	case networking.ClientTLSSettings_SIMPLE, networking.ClientTLSSettings_MUTUAL:
		return true
	}
	return false
}

// fileTLS is a socket of TLS by files: the callee is verified, and with MUTUAL the caller shows a certificate.
func fileTLS(tls *networking.ClientTLSSettings, http2 bool) *corev3.TransportSocket {
	common := &tlsv3.CommonTlsContext{}
	if http2 {
		common.AlpnProtocols = []string{"h2"}
	}
	if tls.GetMode() == networking.ClientTLSSettings_MUTUAL {
		name := certificateFile + tls.GetClientCertificate() + "~" + tls.GetPrivateKey()
		common.TlsCertificateSdsSecretConfigs = []*tlsv3.SdsSecretConfig{{Name: name, SdsConfig: overADS()}}
	}
	if tls.GetInsecureSkipVerify().GetValue() {
		common.ValidationContextType = &tlsv3.CommonTlsContext_ValidationContext{ValidationContext: &tlsv3.CertificateValidationContext{}}
	} else {
		//lint:ignore SA1019 Istio sets the older field.
		peer := &tlsv3.CertificateValidationContext{MatchSubjectAltNames: exactly(tls.GetSubjectAltNames())}
		common.ValidationContextType = &tlsv3.CommonTlsContext_CombinedValidationContext{
			CombinedValidationContext: &tlsv3.CommonTlsContext_CombinedCertificateValidationContext{
				DefaultValidationContext:         peer,
				ValidationContextSdsSecretConfig: &tlsv3.SdsSecretConfig{Name: rootFile + cmp.Or(tls.GetCaCertificates(), systemRoots), SdsConfig: overADS()},
			},
		}
	}
	return &corev3.TransportSocket{Name: tlsSocket, ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: Pack(&tlsv3.UpstreamTlsContext{
		Sni: tls.GetSni(), CommonTlsContext: common,
	})}}
}

// serverNames says that a connection asks for the host of its request, where no object names another, and that the callee's
// certificate has to be for that; nil: neither.
func serverNames(tls *networking.ClientTLSSettings) *corev3.UpstreamHttpProtocolOptions {
	if !byFiles(tls) || tls.GetSni() != "" {
		return nil
	}
	return &corev3.UpstreamHttpProtocolOptions{
		AutoSni: true, AutoSanValidation: len(tls.GetSubjectAltNames()) == 0 && !tls.GetInsecureSkipVerify().GetValue(),
	}
}

// exactly fits each of some names.
func exactly(names []string) []*matcherv3.StringMatcher {
	var all []*matcherv3.StringMatcher
	for _, name := range names {
		all = append(all, &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: name}})
	}
	return all
}
