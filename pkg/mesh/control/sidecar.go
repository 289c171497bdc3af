package control

import (
	"fmt"
	"strconv"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	corsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	faultv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	upstreamhttpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/shopctl/shopctl/pkg/mesh/ca"
	"github.com/shopctl/shopctl/pkg/mesh/translate"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

const (
	loopback = "127.0.0.1"
	// metadataKey is the key of our own metadata on listeners.
	metadataKey = "shopctl"
	// authorityKey is the metadata that names the :authority of all requests of an outbound listener.
	authorityKey = "authority"
	// portKey is the metadata that names the port of the workload that an inbound listener is for.
	portKey = "port"
)

// Node is the sidecar of a pod.
type Node struct {
	// ID as in xDS: "sidecar~POD.NAMESPACE".
	ID                             string
	Namespace, Pod, ServiceAccount string
	Workload                       string
	Labels                         map[string]string
	// Gateway: it is not beside a program, but takes what comes in from outside. Front is the Service that gets the requests
	// for hosts which no Gateway has; a zero key: none.
	Gateway bool
	Front   orchestrator.Key
}

// Identity is whom its certificate is for.
func (n Node) Identity() ca.Identity {
	return ca.Identity{TrustDomain: domain, Namespace: n.Namespace, ServiceAccount: n.ServiceAccount}
}

// NodeID is the ID of a pod's sidecar.
func NodeID(namespace, pod string) string { return "sidecar~" + pod + "." + namespace }

// AppPort is a port of a pod that its own program serves.
type AppPort struct {
	translate.Port
	// Address is where the program listens, "127.0.0.1", and Local at which port.
	Address string
	Local   uint32
	// Mixed: Services lead to it by HTTP/1.1 and by HTTP/2, as to a monolith.
	Mixed bool
}

// Sidecar returns all that a sidecar is configured with.
func Sidecar(m *translate.Mesh, node Node, ports []AppPort) *xds.Resources {
	return newMaker(m, nil).resources(node, ports)
}

// callers is what the sidecars of a scope need to call others.
func callers(m *translate.Mesh, scope translate.Proxy) *xds.Resources {
	r := &xds.Resources{}
	for i := range m.Services {
		s := &m.Services[i]
		for _, port := range s.Ports {
			outbound(r, m, scope, s, port)
		}
	}
	return r
}

// callee is what a sidecar needs to be called, which is its own; of a gateway it is all.
func callee(m *translate.Mesh, node Node, ports []AppPort) *xds.Resources {
	r := &xds.Resources{}
	if node.Gateway {
		gateway(r, m, node)
		return r
	}
	for _, port := range ports {
		inbound(r, m, translate.Workload{Namespace: node.Namespace, Labels: node.Labels}, port)
	}
	return r
}

// outbound adds what a sidecar needs to call a port of a service: a listener of its own, so that the address that a program
// dials decides the service.
func outbound(r *xds.Resources, m *translate.Mesh, proxy translate.Proxy, s *translate.Service, port translate.Port) {
	host := m.FullName(s)
	listener := &listenerv3.Listener{
		Name: fmt.Sprintf("%s_%d", host, port.Number), Address: socketAddress(loopback, 0), TrafficDirection: corev3.TrafficDirection_OUTBOUND,
	}
	if port.Protocol == translate.TCP {
		listener.FilterChains = []*listenerv3.FilterChain{m.TCPChain(proxy, s, port)}
	} else {
		name := fmt.Sprintf("%s:%d", host, port.Number)
		listener.Metadata = own(authorityKey, name)
		listener.FilterChains = []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{connectionManager(listener.GetName(), name, nil)}}}
		r.Routes = append(r.Routes, &routev3.RouteConfiguration{
			Name: name, VirtualHosts: []*routev3.VirtualHost{m.VirtualHost(proxy, s, port)}, IgnorePortInHostMatching: true,
		})
	}
	r.Listeners = append(r.Listeners, listener)
	callees(r, m, proxy, s, port)
}

// callees adds what the routes to a port of a service lead to. The address of a service, to which a cluster with PASSTHROUGH
// goes, is none of this machine's: as behind that of a cluster, one of all endpoints is drawn by lot.
func callees(r *xds.Resources, m *translate.Mesh, proxy translate.Proxy, s *translate.Service, port translate.Port) {
	clusters := m.Clusters(proxy, s, port)
	for _, c := range clusters {
		if c.GetType() == clusterv3.Cluster_ORIGINAL_DST {
			translate.ByEndpoints(c)
			c.LbPolicy = clusterv3.Cluster_RANDOM
			r.Endpoints = append(r.Endpoints, m.Behind(s, port, c.GetName()))
		}
	}
	r.Clusters = append(r.Clusters, clusters...)
	r.Endpoints = append(r.Endpoints, m.Endpoints(proxy, s, port)...)
}

// own is metadata of ours.
func own(key, value string) *corev3.Metadata {
	return &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{
		metadataKey: {Fields: map[string]*structpb.Value{key: structpb.NewStringValue(value)}},
	}}
}

// connectionManager takes HTTP of both versions, and routes it by a configuration that is served by name. Requests pass the
// filters before that.
func connectionManager(listener, routes string, filters []*hcmv3.HttpFilter) *listenerv3.Filter {
	return managing(managerOf(listener, routes, filters))
}

func managerOf(listener, routes string, filters []*hcmv3.HttpFilter) *hcmv3.HttpConnectionManager {
	return &hcmv3.HttpConnectionManager{
		StatPrefix: "outbound_" + listener,
		RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{
			RouteConfigName: routes,
			ConfigSource: &corev3.ConfigSource{
				ResourceApiVersion:    corev3.ApiVersion_V3,
				ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
			},
		}},
		HttpFilters: append(filters,
			translate.HTTPFilter("envoy.filters.http.fault", &faultv3.HTTPFault{}),
			translate.HTTPFilter("envoy.filters.http.cors", &corsv3.Cors{}),
			translate.HTTPFilter("envoy.filters.http.router", &routerv3.Router{}),
		),
	}
}

func managing(manager *hcmv3.HttpConnectionManager) *listenerv3.Filter {
	return &listenerv3.Filter{
		Name: "envoy.filters.network.http_connection_manager", ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: translate.Pack(manager)},
	}
}

// inbound adds what a sidecar needs to be called at a port of its pod. The listener has a port of this machine, so that its
// chains do not depend on the port that a connection came in by.
func inbound(r *xds.Resources, m *translate.Mesh, w translate.Workload, port AppPort) {
	chains := m.InboundChains(w, port.Port)
	for _, chain := range chains {
		chain.GetFilterChainMatch().DestinationPort = nil
	}
	r.Listeners = append(r.Listeners, &listenerv3.Listener{
		Name: fmt.Sprintf("inbound_%d", port.TargetPort), Address: socketAddress(loopback, 0),
		TrafficDirection: corev3.TrafficDirection_INBOUND, FilterChains: chains, Metadata: own(portKey, strconv.Itoa(int(port.TargetPort))),
	})
	name := translate.InboundCluster(port.TargetPort)
	cluster := &clusterv3.Cluster{
		Name: name, ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC},
		ConnectTimeout: durationpb.New(translate.ConnectTimeout),
		LoadAssignment: &endpointv3.ClusterLoadAssignment{ClusterName: name, Endpoints: []*endpointv3.LocalityLbEndpoints{{
			LbEndpoints: []*endpointv3.LbEndpoint{{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{
				Address: socketAddress(port.Address, port.Local),
			}}}},
		}}},
	}
	switch {
	case port.Mixed:
		cluster.TypedExtensionProtocolOptions = httpOptions(&upstreamhttpv3.HttpProtocolOptions{UpstreamProtocolOptions: &upstreamhttpv3.HttpProtocolOptions_UseDownstreamProtocolConfig{
			UseDownstreamProtocolConfig: &upstreamhttpv3.HttpProtocolOptions_UseDownstreamHttpConfig{Http2ProtocolOptions: &corev3.Http2ProtocolOptions{}},
		}})
	case port.Protocol == translate.GRPC || port.Protocol == translate.HTTP2:
		cluster.TypedExtensionProtocolOptions = httpOptions(&upstreamhttpv3.HttpProtocolOptions{UpstreamProtocolOptions: &upstreamhttpv3.HttpProtocolOptions_ExplicitHttpConfig_{
			ExplicitHttpConfig: &upstreamhttpv3.HttpProtocolOptions_ExplicitHttpConfig{
				ProtocolConfig: &upstreamhttpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{Http2ProtocolOptions: &corev3.Http2ProtocolOptions{}},
			},
		}})
	}
	r.Clusters = append(r.Clusters, cluster)
}

func httpOptions(options *upstreamhttpv3.HttpProtocolOptions) map[string]*anypb.Any {
	return map[string]*anypb.Any{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": translate.Pack(options)}
}

func socketAddress(host string, port uint32) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
	}}}
}
