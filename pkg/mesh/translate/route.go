package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
)

// router makes the routes of one port for one sidecar.
type router struct {
	mesh  *Mesh
	proxy Proxy
	port  uint32
	// gateway is the object by which requests come in, "NAMESPACE/NAME"; empty in a sidecar.
	gateway string
}

// defaultRoute sends all requests to a service.
func (r *router) defaultRoute(host string) *routev3.Route {
	action := newAction(nil)
	action.ClusterSpecifier = &routev3.RouteAction_Cluster{Cluster: clusterName(r.port, "", host)}
	action.RetryPolicy = defaultRetries()
	action.HashPolicy = r.hashPolicy(host, "")
	route := &routev3.Route{
		Name:   "default",
		Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
		Action: &routev3.Route_Route{Route: action},
	}
	r.describe(route, "")
	return route
}

// routes translates the rules of an object, up to the first that fits every request: the rest cannot be reached.
func (r *router) routes(vs *VirtualService) []*routev3.Route {
	var routes []*routev3.Route
	for i, rule := range vs.Spec.GetHttp() {
		matches := rule.GetMatch()
		if len(matches) == 0 {
			route := r.route(vs, rule, nil)
			route.Metadata = ruleOrigin(vs, "http", i, -1)
			return append(routes, route)
		}
		for j, match := range matches {
			if !r.concerns(vs, match) {
				continue
			}
			route := r.route(vs, rule, match)
			route.Metadata = ruleOrigin(vs, "http", i, j)
			routes = append(routes, route)
			if fitsAll(route.GetMatch()) {
				return routes
			}
		}
	}
	return routes
}

// sourceMatch is what a match of a request or of a connection says of who calls, and by which port.
type sourceMatch interface {
	GetPort() uint32
	GetGateways() []string
	GetSourceLabels() map[string]string
	GetSourceNamespace() string
}

// concerns reports whether a match can hold for what this proxy sends to this port.
func (r *router) concerns(vs *VirtualService, match sourceMatch) bool {
	if match.GetPort() != 0 && match.GetPort() != r.port {
		return false
	}
	if gateways := match.GetGateways(); len(gateways) > 0 {
		return slices.Contains(vs.gateways(gateways), cmp.Or(r.gateway, meshGateway))
	}
	return includes(r.proxy.Labels, match.GetSourceLabels()) &&
		(match.GetSourceNamespace() == "" || match.GetSourceNamespace() == r.proxy.Namespace)
}

// Scope is what of a sidecar its clusters, endpoints and routes depend on: its namespace, and those of its labels by which
// objects select it. Sidecars of the same scope have the same.
func (m *Mesh) Scope(proxy Proxy) Proxy {
	scope := Proxy{Namespace: proxy.Namespace, Labels: map[string]string{}}
	selected := func(by map[string]string) {
		if includes(proxy.Labels, by) {
			maps.Copy(scope.Labels, by)
		}
	}
	for _, vs := range m.VirtualServices {
		for _, rule := range vs.Spec.GetHttp() {
			for _, match := range rule.GetMatch() {
				selected(match.GetSourceLabels())
			}
		}
		for _, rule := range vs.Spec.GetTcp() {
			for _, match := range rule.GetMatch() {
				selected(match.GetSourceLabels())
			}
		}
	}
	for _, dr := range m.DestinationRules {
		selected(dr.Spec.GetWorkloadSelector().GetMatchLabels())
	}
	return scope
}

// route translates a rule, for one of its conditions; nil: for all requests.
func (r *router) route(vs *VirtualService, rule *networking.HTTPRoute, match *networking.HTTPMatchRequest) *routev3.Route {
	route := &routev3.Route{Name: rule.GetName(), Match: translateMatch(match)}
	if match.GetName() != "" {
		route.Name += "." + match.GetName()
	}
	route.StatPrefix = match.GetStatPrefix()
	operations := translateHeaders(rule.GetHeaders())
	operations.addTo(route)
	switch {
	case rule.GetRedirect() != nil:
		route.Action = &routev3.Route_Redirect{Redirect: translateRedirect(rule.GetRedirect(), r.port)}
	case rule.GetDirectResponse() != nil:
		route.Action = &routev3.Route_DirectResponse{DirectResponse: translateDirectResponse(rule.GetDirectResponse())}
	default:
		route.Action = &routev3.Route_Route{Route: r.action(vs, rule, operations.authority, route)}
	}
	route.TypedPerFilterConfig = filters(rule)
	r.describe(route, vs.Name)
	return route
}

// filters configures the filters that act on a request before it is routed.
func filters(rule *networking.HTTPRoute) map[string]*anypb.Any {
	config := map[string]*anypb.Any{}
	if fault := rule.GetFault(); fault != nil {
		config[faultFilter] = Pack(translateFault(fault))
	}
	if cors := rule.GetCorsPolicy(); cors != nil {
		config[corsFilter] = Pack(translateCORS(cors))
	}
	return config
}

// newAction has what all actions have. No timeout is written as 0; the deadline of a gRPC call counts up to it.
func newAction(timeout *durationpb.Duration) *routev3.RouteAction {
	if timeout == nil {
		timeout = durationpb.New(0)
	}
	action := &routev3.RouteAction{Timeout: timeout}
	//lint:ignore SA1019 Istio sets the older field.
	action.MaxGrpcTimeout = timeout
	return action
}

// action sends requests to the destinations of a rule.
func (r *router) action(vs *VirtualService, rule *networking.HTTPRoute, authority string, route *routev3.Route) *routev3.RouteAction {
	action := newAction(rule.GetTimeout())
	action.RetryPolicy = translateRetries(rule.GetRetries())
	if rewrite := rule.GetRewrite(); rewrite != nil {
		rewritePath(action, rewrite)
		if rewrite.GetAuthority() != "" {
			authority = rewrite.GetAuthority()
		}
	}
	if authority != "" {
		action.HostRewriteSpecifier = &routev3.RouteAction_HostRewriteLiteral{HostRewriteLiteral: authority}
	}
	action.RequestMirrorPolicies = r.mirrors(vs, rule)
	destinations := rule.GetRoute()
	if len(destinations) == 1 {
		d := destinations[0]
		action.ClusterSpecifier = &routev3.RouteAction_Cluster{Cluster: r.cluster(vs, d.GetDestination())}
		operations := translateHeaders(d.GetHeaders())
		operations.addTo(route)
		if operations.authority != "" && action.HostRewriteSpecifier == nil {
			action.HostRewriteSpecifier = &routev3.RouteAction_HostRewriteLiteral{HostRewriteLiteral: operations.authority}
		}
		action.HashPolicy = r.destinationHash(vs, d.GetDestination())
		return action
	}
	weighted := &routev3.WeightedCluster{}
	for _, d := range destinations {
		if d.GetWeight() == 0 {
			continue
		}
		w := &routev3.WeightedCluster_ClusterWeight{
			Name:   r.cluster(vs, d.GetDestination()),
			Weight: wrapperspb.UInt32(uint32(d.GetWeight())),
		}
		translateHeaders(d.GetHeaders()).addToWeight(w, action.HostRewriteSpecifier == nil)
		weighted.Clusters = append(weighted.Clusters, w)
		action.HashPolicy = append(action.HashPolicy, r.destinationHash(vs, d.GetDestination())...)
	}
	action.ClusterSpecifier = &routev3.RouteAction_WeightedClusters{WeightedClusters: weighted}
	return action
}

// cluster is the name of the cluster of a destination. Without a port it has that of the virtual host, even where the
// service has another; but in a gateway, whose port is none of a service's, the only port that the service has.
func (r *router) cluster(vs *VirtualService, d *networking.Destination) string {
	host, port := r.mesh.fullName(d.GetHost(), vs.Namespace), r.port
	if number := d.GetPort().GetNumber(); number != 0 {
		port = number
	} else if s := r.mesh.service(host); r.gateway != "" && s != nil && len(s.Ports) == 1 {
		port = s.Ports[0].Number
	}
	return clusterName(port, d.GetSubset(), host)
}

// describe names the operation of the route for spans.
func (r *router) describe(route *routev3.Route, virtualService string) {
	path := "/*"
	switch p := route.GetMatch().GetPathSpecifier().(type) {
	case *routev3.RouteMatch_Prefix:
		path = p.Prefix + "*"
	case *routev3.RouteMatch_Path:
		path = p.Path
	case *routev3.RouteMatch_SafeRegex:
		path = p.SafeRegex.GetRegex()
	}
	operation := fmt.Sprintf("%s:%d%s", virtualService, r.port, path)
	if port, host, ok := splitCluster(route.GetRoute().GetCluster()); ok {
		operation = host + ":" + port + path
	}
	route.Decorator = &routev3.Decorator{Operation: operation}
}

// translateDirectResponse answers a request without a service.
func translateDirectResponse(d *networking.HTTPDirectResponse) *routev3.DirectResponseAction {
	action := &routev3.DirectResponseAction{Status: d.GetStatus()}
	switch body := d.GetBody().GetSpecifier().(type) {
	case *networking.HTTPBody_String_:
		action.Body = &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{InlineString: body.String_}}
	case *networking.HTTPBody_Bytes:
		action.Body = &corev3.DataSource{Specifier: &corev3.DataSource_InlineBytes{InlineBytes: body.Bytes}}
	}
	return action
}

// originKey is the metadata that names the object of a resource: under config as istiod writes it, and under rule and match
// the parts of the object, which istiod does not say.
const originKey = "istio"

// ruleOrigin names a rule of a VirtualService, and one of its matches; -1: it has none. A rule that was made of another one
// has that one's name, and its matches are not those that were written.
func ruleOrigin(vs *VirtualService, list string, index, match int) *corev3.Metadata {
	rule := fmt.Sprintf("spec.%s[%d]", list, index)
	texts := map[string]string{"config": configPath(vs.Namespace, "virtual-service", vs.Name), "rule": rule}
	switch {
	case list == "http" && index < len(vs.Parts):
		texts["rule"] = vs.Parts[index]
	case match >= 0:
		texts["match"] = fmt.Sprintf("%s.match[%d]", rule, match)
	}
	return origin(texts)
}

// configPath is the path by which istiod names an object.
func configPath(namespace, kind, name string) string {
	return "/apis/networking.istio.io/v1/namespaces/" + namespace + "/" + kind + "/" + name
}

func origin(texts map[string]string) *corev3.Metadata {
	fields := map[string]*structpb.Value{}
	for key, text := range texts {
		fields[key] = structpb.NewStringValue(text)
	}
	return &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{originKey: {Fields: fields}}}
}
