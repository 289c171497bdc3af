package agent

import (
	"cmp"
	"fmt"
	"slices"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// The types of resources. Listeners and clusters are asked for whole; they name the routes and endpoints that belong to them.
const (
	listenerType = "type.googleapis.com/envoy.config.listener.v3.Listener"
	clusterType  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	routeType    = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
	endpointType = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
)

// transfer is the protocol of one stream. The control plane gives the resources of all types that belong together the same
// version; they are put in force together, and acknowledged then. Where responses of two versions meet, all are acknowledged at
// once, since the next response of a type waits for that: the last type of a version is not, before the version is in force.
type transfer struct {
	node *corev3.Node
	send func(*discoveryv3.DiscoveryRequest) error
	last map[string]*discoveryv3.DiscoveryResponse
	// names that were asked for, and responses that are not yet acknowledged, by type.
	names   map[string][]string
	pending map[string]bool
	// acked is the version of a type that is in force, or was outrun.
	acked map[string]string

	// decoded has what the last responses hold by their bytes, so that a resource that did not change stays the same message.
	decoded map[string]map[string]proto.Message

	// What the last responses hold; routes and endpoints by name.
	listeners []*listenerv3.Listener
	named     map[*listenerv3.Listener][]string // the routes of each
	clusters  []*clusterv3.Cluster
	routes    map[string]*routev3.RouteConfiguration
	endpoints map[string]*endpointv3.ClusterLoadAssignment
}

func newTransfer(node *corev3.Node, send func(*discoveryv3.DiscoveryRequest) error) *transfer {
	return &transfer{
		node: node, send: send, last: map[string]*discoveryv3.DiscoveryResponse{},
		names: map[string][]string{}, pending: map[string]bool{}, acked: map[string]string{},
		decoded: map[string]map[string]proto.Message{},
	}
}

// begin asks for all listeners and clusters.
func (t *transfer) begin() error {
	for _, kind := range []string{clusterType, listenerType} {
		if err := t.request(kind, ""); err != nil {
			return err
		}
	}
	return nil
}

// request asks for the next response of a type, and with that acknowledges the last one, or refuses it.
func (t *transfer) request(kind, refused string) error {
	r := &discoveryv3.DiscoveryRequest{Node: t.node, TypeUrl: kind, ResourceNames: t.names[kind]}
	if last := t.last[kind]; last != nil {
		r.ResponseNonce = last.GetNonce()
		if refused == "" {
			t.acked[kind] = last.GetVersionInfo()
		} else {
			r.ErrorDetail = &statuspb.Status{Code: int32(codes.InvalidArgument), Message: refused}
		}
		r.VersionInfo = t.acked[kind]
	}
	delete(t.pending, kind)
	return t.send(r)
}

// received takes a response.
func (t *transfer) received(response *discoveryv3.DiscoveryResponse, apply func(*xds.Resources) error) error {
	kind := response.GetTypeUrl()
	t.last[kind] = &discoveryv3.DiscoveryResponse{Nonce: response.GetNonce(), VersionInfo: response.GetVersionInfo()}
	t.pending[kind] = true
	if err := t.follow(kind, response); err != nil {
		return t.answerAll(err.Error())
	}
	switch version := response.GetVersionInfo(); {
	case t.outrun(version):
		// Which of the versions is the newer one cannot be seen, and for the next response of a type the server waits for this.
		// What the response lacks may be what only the older version names.
		return t.answerAll("")
	case t.lacks(kind):
		// The response was on its way when more was asked for, and the server has ignored that request.
		return t.request(kind, "")
	case !t.complete(version):
		return nil // the rest is on its way
	}
	if err := apply(t.resources(response.GetVersionInfo())); err != nil {
		return t.answerAll(err.Error())
	}
	return t.answerAll("")
}

// outrun reports whether what is not yet acknowledged is of more than one version.
func (t *transfer) outrun(version string) bool {
	for kind := range t.pending {
		if t.last[kind].GetVersionInfo() != version {
			return true
		}
	}
	return false
}

// complete reports whether all resources of a version are there. A response for a type may precede the names of
// all that belong to it.
func (t *transfer) complete(version string) bool {
	for _, kind := range []string{listenerType, clusterType, routeType, endpointType} {
		needed := kind == listenerType || kind == clusterType || len(t.names[kind]) > 0
		if needed && t.last[kind].GetVersionInfo() != version {
			return false
		}
	}
	return !t.lacks(routeType) && !t.lacks(endpointType)
}

// lacks reports whether something that was asked for by name is not there.
func (t *transfer) lacks(kind string) bool {
	return slices.ContainsFunc(t.names[kind], func(name string) bool {
		return kind == routeType && t.routes[name] == nil || kind == endpointType && t.endpoints[name] == nil
	})
}

// answerAll acknowledges or refuses what is pending.
func (t *transfer) answerAll(refused string) error {
	for _, kind := range []string{clusterType, endpointType, listenerType, routeType} {
		if t.pending[kind] {
			if err := t.request(kind, refused); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow reads a response, and asks for the routes that listeners name and the endpoints that clusters name.
func (t *transfer) follow(kind string, response *discoveryv3.DiscoveryResponse) (err error) {
	switch kind {
	case listenerType:
		if t.listeners, err = unpack(t, response, func() *listenerv3.Listener { return &listenerv3.Listener{} }); err != nil {
			return err
		}
		names, err := t.routeNames()
		if err != nil {
			return err
		}
		return t.want(routeType, names)
	case clusterType:
		if t.clusters, err = unpack(t, response, func() *clusterv3.Cluster { return &clusterv3.Cluster{} }); err != nil {
			return err
		}
		return t.want(endpointType, endpointNames(t.clusters))
	case routeType:
		routes, err := unpack(t, response, func() *routev3.RouteConfiguration { return &routev3.RouteConfiguration{} })
		if err != nil {
			return err
		}
		t.routes = map[string]*routev3.RouteConfiguration{}
		for _, r := range routes {
			t.routes[r.GetName()] = r
		}
	case endpointType:
		endpoints, err := unpack(t, response, func() *endpointv3.ClusterLoadAssignment { return &endpointv3.ClusterLoadAssignment{} })
		if err != nil {
			return err
		}
		t.endpoints = map[string]*endpointv3.ClusterLoadAssignment{}
		for _, e := range endpoints {
			t.endpoints[e.GetClusterName()] = e
		}
	}
	return nil
}

// want asks for resources by name, if it has not.
func (t *transfer) want(kind string, names []string) error {
	slices.Sort(names)
	names = slices.Compact(names)
	if slices.Equal(names, t.names[kind]) {
		return nil
	}
	t.names[kind] = names
	return t.request(kind, "")
}

// routeNames are those of the routes that the listeners take from the control plane.
func (t *transfer) routeNames() ([]string, error) {
	var all []string
	named := make(map[*listenerv3.Listener][]string, len(t.listeners))
	for _, l := range t.listeners {
		names, known := t.named[l]
		if !known {
			var err error
			if names, err = routeNames(l); err != nil {
				return nil, fmt.Errorf("listener %s: %w", l.GetName(), err)
			}
		}
		named[l] = names
		all = append(all, names...)
	}
	t.named = named
	return all, nil
}

func routeNames(l *listenerv3.Listener) (names []string, err error) {
	for _, chain := range l.GetFilterChains() {
		for _, filter := range chain.GetFilters() {
			var manager hcmv3.HttpConnectionManager
			if !filter.GetTypedConfig().MessageIs(&manager) {
				continue
			}
			if err := filter.GetTypedConfig().UnmarshalTo(&manager); err != nil {
				return nil, err
			}
			if name := manager.GetRds().GetRouteConfigName(); name != "" {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

func endpointNames(clusters []*clusterv3.Cluster) (names []string) {
	for _, c := range clusters {
		if c.GetType() == clusterv3.Cluster_EDS {
			names = append(names, cmp.Or(c.GetEdsClusterConfig().GetServiceName(), c.GetName()))
		}
	}
	return names
}

// resources are all of a version, without what no listener or cluster names any more.
func (t *transfer) resources(version string) *xds.Resources {
	r := &xds.Resources{Version: xds.Version(version), Listeners: t.listeners, Clusters: t.clusters}
	for _, name := range t.names[routeType] {
		r.Routes = append(r.Routes, t.routes[name])
	}
	for _, name := range t.names[endpointType] {
		r.Endpoints = append(r.Endpoints, t.endpoints[name])
	}
	return r
}

// unpack returns the messages of a response. Those that the last one of the type had are the same.
func unpack[M proto.Message](t *transfer, response *discoveryv3.DiscoveryResponse, empty func() M) ([]M, error) {
	before, now := t.decoded[response.GetTypeUrl()], make(map[string]proto.Message, len(response.GetResources()))
	all := make([]M, 0, len(response.GetResources()))
	for _, packed := range response.GetResources() {
		key := string(packed.GetValue())
		m, known := before[key].(M)
		if !known || !packed.MessageIs(m) {
			m = empty()
			if err := anypb.UnmarshalTo(packed, m, proto.UnmarshalOptions{}); err != nil {
				return nil, fmt.Errorf("read resources of type %s: %w", response.GetTypeUrl(), err)
			}
		}
		now[key] = m
		all = append(all, m)
	}
	t.decoded[response.GetTypeUrl()] = now
	return all, nil
}
