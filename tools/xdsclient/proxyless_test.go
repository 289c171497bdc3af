package xdsclient_test

import (
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// certificates is the provider of certificates in the client's bootstrap.
const certificates = "mesh"

// proxyless is a sidecar's configuration as a client without a sidecar takes it. Routes stay as they are. Such a client
// asks for a listener by the name that it dials, has its certificates from a provider, chooses no socket by an endpoint's
// metadata, and wants a locality and its weight. Istio makes the same differences for it.
func proxyless(t *testing.T, r *xds.Resources, host string) *xds.Resources {
	t.Helper()
	out := &xds.Resources{Version: r.Version, Routes: r.Routes}
	for _, routes := range r.Routes {
		out.Listeners = append(out.Listeners, apiListener(t, host, routes.GetName()))
	}
	for _, c := range r.Clusters {
		out.Clusters = append(out.Clusters, withProvider(t, proto.CloneOf(c)))
	}
	for _, e := range r.Endpoints {
		e = proto.CloneOf(e)
		for _, locality := range e.GetEndpoints() {
			locality.Locality, locality.LoadBalancingWeight = &corev3.Locality{Zone: "laptop"}, wrapperspb.UInt32(1)
		}
		out.Endpoints = append(out.Endpoints, e)
	}
	return out
}

func apiListener(t *testing.T, name, routes string) *listenerv3.Listener {
	t.Helper()
	manager := &hcmv3.HttpConnectionManager{
		RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{RouteConfigName: routes, ConfigSource: &corev3.ConfigSource{
			ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
		}}},
		HttpFilters: []*hcmv3.HttpFilter{{
			Name: "router", ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: pack(t, &routerv3.Router{})},
		}},
		StatPrefix: "proxyless",
	}
	return &listenerv3.Listener{
		Name: name, ApiListener: &listenerv3.ApiListener{ApiListener: pack(t, manager)},
	}
}

// withProvider takes the socket of mutual TLS, with the names that it accepts, and has the certificates from the provider.
func withProvider(t *testing.T, c *clusterv3.Cluster) *clusterv3.Cluster {
	t.Helper()
	matches := c.GetTransportSocketMatches()
	if len(matches) == 0 {
		return c
	}
	socket := &tlsv3.UpstreamTlsContext{}
	if err := matches[0].GetTransportSocket().GetTypedConfig().UnmarshalTo(socket); err != nil {
		t.Fatal(err)
	}
	context := socket.GetCommonTlsContext()
	provider := &tlsv3.CertificateProviderPluginInstance{InstanceName: certificates}
	//lint:ignore SA1019 The control plane sets the older field, as Istio does.
	names := context.GetCombinedValidationContext().GetDefaultValidationContext().GetMatchSubjectAltNames()
	context.TlsCertificateSdsSecretConfigs, context.AlpnProtocols = nil, nil
	context.TlsCertificateProviderInstance = provider
	context.ValidationContextType = &tlsv3.CommonTlsContext_ValidationContext{ValidationContext: &tlsv3.CertificateValidationContext{
		CaCertificateProviderInstance: provider, MatchSubjectAltNames: names,
	}}
	c.TransportSocketMatches = nil
	c.TransportSocket = &corev3.TransportSocket{
		Name:       "envoy.transport_sockets.tls",
		ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: pack(t, socket)},
	}
	return c
}

func pack(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	packed, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}
