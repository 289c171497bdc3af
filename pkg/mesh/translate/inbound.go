package translate

import (
	"cmp"
	"fmt"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	faultv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
)

// The filters of connections and requests that come in, by Envoy's names.
const (
	connectionManager = "envoy.filters.network.http_connection_manager"
	routerFilter      = "envoy.filters.http.router"
)

// peerProtocols are what the sidecars of callers offer. Other TLS is the application's own.
func peerProtocols() []string {
	return []string{"istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"}
}

// InboundChains returns how a sidecar takes connections to a port of its workload: with mutual TLS, in plain text, or both.
func (m *Mesh) InboundChains(w Workload, port Port) []*listenerv3.FilterChain {
	var chains []*listenerv3.FilterChain
	rule := m.mtls(w, port.TargetPort)
	mode := rule.mode
	if mode != security.PeerAuthentication_MutualTLS_DISABLE {
		match := &listenerv3.FilterChainMatch{DestinationPort: wrapperspb.UInt32(port.TargetPort), TransportProtocol: "tls"}
		if mode != security.PeerAuthentication_MutualTLS_STRICT {
			match.ApplicationProtocols = peerProtocols()
		}
		chains = append(chains, m.chain(w, port, match, m.ownTLS()))
	}
	if mode != security.PeerAuthentication_MutualTLS_STRICT {
		match := &listenerv3.FilterChainMatch{DestinationPort: wrapperspb.UInt32(port.TargetPort), TransportProtocol: "raw_buffer"}
		chains = append(chains, m.chain(w, port, match, nil))
	}
	texts := rule.origin()
	if tokens := m.tokenPolicies(w); len(tokens) > 0 {
		texts["tokens"] = strings.Join(tokens, ",")
	}
	if problems := m.keyProblems(w); len(problems) > 0 {
		texts["keys"] = strings.Join(problems, "; ")
	}
	for _, chain := range chains {
		if len(texts) > 0 {
			chain.Metadata = origin(texts)
		}
	}
	return chains
}

func (m *Mesh) chain(w Workload, port Port, match *listenerv3.FilterChainMatch, socket *corev3.TransportSocket) *listenerv3.FilterChain {
	name := fmt.Sprintf("0.0.0.0_%d", port.TargetPort)
	if port.Protocol == TCP {
		return &listenerv3.FilterChain{Name: name, FilterChainMatch: match, TransportSocket: socket, Filters: m.tcpFilters(w, port)}
	}
	requests := m.InboundFilters(w)
	if len(m.inboundRules(w)) > 0 {
		requests = append(requests, HTTPFilter(faultFilter, &faultv3.HTTPFault{}))
	}
	manager := &hcmv3.HttpConnectionManager{
		StatPrefix: "inbound_" + name,
		RouteSpecifier: &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: &routev3.RouteConfiguration{
			Name: inboundCluster(port),
			VirtualHosts: []*routev3.VirtualHost{{
				Name: fmt.Sprintf("inbound|http|%d", port.Number), Domains: []string{"*"}, Routes: m.inboundRoutes(w, port),
			}},
		}},
		HttpFilters:              append(requests, HTTPFilter(routerFilter, &routerv3.Router{})),
		ForwardClientCertDetails: hcmv3.HttpConnectionManager_APPEND_FORWARD,
		SetCurrentClientCertDetails: &hcmv3.HttpConnectionManager_SetCurrentClientCertDetails{
			Subject: wrapperspb.Bool(true), Uri: true, Dns: true,
		},
	}
	return &listenerv3.FilterChain{
		Name: name, FilterChainMatch: match, TransportSocket: socket,
		Filters: []*listenerv3.Filter{{Name: connectionManager, ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: Pack(manager)}}},
	}
}

// HTTPFilter is a filter of requests by Envoy's name.
func HTTPFilter(name string, config proto.Message) *hcmv3.HttpFilter {
	return &hcmv3.HttpFilter{Name: name, ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: Pack(config)}}
}

// inboundCluster is the name of the workload itself.
func inboundCluster(port Port) string { return InboundCluster(port.TargetPort) }

// InboundCluster is the name of a port of the workload itself.
func InboundCluster(targetPort uint32) string { return fmt.Sprintf("inbound|%d||", targetPort) }

// inboundRoutes are those of requests that come in: with faults, and at last one for all.
func (m *Mesh) inboundRoutes(w Workload, port Port) []*routev3.Route {
	var routes []*routev3.Route
	for _, rule := range m.inboundRules(w) {
		matches := rule.GetMatch()
		if len(matches) == 0 {
			matches = []*networking.HTTPMatchRequest{nil}
		}
		for _, match := range matches {
			route := inboundRoute(port)
			route.Name, route.Match, route.TypedPerFilterConfig = cmp.Or(rule.GetName(), route.GetName()), translateMatch(match), filters(rule)
			routes = append(routes, route)
		}
	}
	return append(routes, inboundRoute(port))
}

// inboundRules are the rules for requests that come in to a workload.
func (m *Mesh) inboundRules(w Workload) []*networking.HTTPRoute {
	for _, in := range m.Inbound {
		if in.Namespace == w.Namespace && includes(w.Labels, in.Labels) {
			return in.HTTP
		}
	}
	return nil
}

// inboundRoute hands requests to the workload, without a timeout: that is the caller's. A connection that broke before the
// request was sent is tried again, but not for gRPC.
func inboundRoute(port Port) *routev3.Route {
	action := &routev3.RouteAction{
		ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: inboundCluster(port)},
		Timeout:          durationpb.New(0),
		MaxStreamDuration: &routev3.RouteAction_MaxStreamDuration{
			MaxStreamDuration: durationpb.New(0), GrpcTimeoutHeaderMax: durationpb.New(0),
		},
	}
	if port.Protocol == HTTP {
		action.RetryPolicy = &routev3.RetryPolicy{RetryOn: "reset-before-request", NumRetries: wrapperspb.UInt32(defaultAttempts)}
	}
	return &routev3.Route{
		Name:   "default",
		Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
		Action: &routev3.Route_Route{Route: action},
	}
}

// ownTLS is the workload's side of mutual TLS: it takes every identity of its trust domain.
func (m *Mesh) ownTLS() *corev3.TransportSocket {
	domain := &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: "spiffe://" + m.TrustDomain + "/"}}
	return &corev3.TransportSocket{Name: tlsSocket, ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: Pack(&tlsv3.DownstreamTlsContext{
		RequireClientCertificate: wrapperspb.Bool(true),
		CommonTlsContext:         tlsContext([]string{"h2", "http/1.1"}, []*matcherv3.StringMatcher{domain}),
	})}}
}

// tlsContext has the workload's certificate, which the sidecar holds under the name default, and the names of peers.
func tlsContext(protocols []string, peers []*matcherv3.StringMatcher) *tlsv3.CommonTlsContext {
	//lint:ignore SA1019 Istio sets the older field.
	peer := &tlsv3.CertificateValidationContext{MatchSubjectAltNames: peers}
	return &tlsv3.CommonTlsContext{
		AlpnProtocols:                  protocols,
		TlsCertificateSdsSecretConfigs: []*tlsv3.SdsSecretConfig{{Name: "default", SdsConfig: overADS()}},
		ValidationContextType: &tlsv3.CommonTlsContext_CombinedValidationContext{
			CombinedValidationContext: &tlsv3.CommonTlsContext_CombinedCertificateValidationContext{
				DefaultValidationContext:         peer,
				ValidationContextSdsSecretConfig: &tlsv3.SdsSecretConfig{Name: "ROOTCA", SdsConfig: overADS()},
			},
		},
	}
}

// InboundFilters are those that let a request in: what an external authorizer would refuse, tokens, and then policies in
// the order audit, deny, allow.
func (m *Mesh) InboundFilters(w Workload) []*hcmv3.HttpFilter {
	var filters []*hcmv3.HttpFilter
	add := func(f *hcmv3.HttpFilter) {
		if f != nil {
			filters = append(filters, f)
		}
	}
	add(m.authorization(w, security.AuthorizationPolicy_CUSTOM))
	add(m.authentication(w))
	add(m.authorization(w, security.AuthorizationPolicy_AUDIT))
	add(m.authorization(w, security.AuthorizationPolicy_DENY))
	add(m.authorization(w, security.AuthorizationPolicy_ALLOW))
	return filters
}
