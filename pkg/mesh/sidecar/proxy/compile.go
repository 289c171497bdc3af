package proxy

import (
	"fmt"
	"slices"
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	faultv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	jwtv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/jwt_authn/v3"
	rbacv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/rbac/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	rbacnetworkv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/rbac/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/jwt"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/match"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/rbac"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/route"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// listenerConfig is a listener's part of a configuration. It is not changed.
type listenerConfig struct {
	port      uint16 // of the workload, as policies name it; 0: the listener's own
	address   string
	inbound   bool
	authority string // of all requests; "": as the caller says
	chains    []*chain
	sniffs    bool // whether a connection speaks TLS decides what it gets
}

// chain is what happens with the connections that fit it.
type chain struct {
	transport string   // "tls", "raw_buffer", or "": any
	alpn      []string // of which the caller offers one; nil: any
	servers   []string // names of which it asks for one, "*.example.com"; nil: any
	tls       *serverTLS
	network   []*rbac.Filter
	http      *manager // nil: see tcp
	tcp       *tcpRoute
}

// serverTLS is TLS with a caller: mutual within the mesh, unless own is set.
type serverTLS struct {
	own   *ownTLS
	alpn  []string
	names []match.String // of which the caller has one; nil: any
}

// manager is how requests are handled.
type manager struct {
	routes  *route.Table
	rds     string // the name of the routes, where they are a resource of their own
	filters []filter
	certs   hcmv3.HttpConnectionManager_ForwardClientCertDetails
	edge    bool // requests come from outside of the mesh
	traces  bool // it begins traces
}

// filter is one that requests pass before they are routed: one of the two.
type filter struct {
	jwt  *jwt.Filter
	rbac *rbac.Filter
}

// compiled is what resources were compiled to. A resource that stays is not compiled again.
type compiled struct {
	tables    map[*routev3.RouteConfiguration]*route.Table
	resources map[*listenerv3.Listener]*listenerConfig
	listeners map[string]*listenerConfig // by name
}

func compile(r *xds.Resources, before *compiled) (*compiled, error) {
	if before == nil {
		before = &compiled{}
	}
	now := &compiled{
		tables:    make(map[*routev3.RouteConfiguration]*route.Table, len(r.Routes)),
		resources: make(map[*listenerv3.Listener]*listenerConfig, len(r.Listeners)),
		listeners: make(map[string]*listenerConfig, len(r.Listeners)),
	}
	tables := make(map[string]*route.Table, len(r.Routes))
	for _, config := range r.Routes {
		table := before.tables[config]
		if table == nil {
			var err error
			if table, err = route.Compile(config); err != nil {
				return nil, err
			}
		}
		now.tables[config], tables[config.GetName()] = table, table
	}
	for _, in := range r.Listeners {
		if now.listeners[in.GetName()] != nil {
			return nil, fmt.Errorf("listener %q: it is there twice", in.GetName())
		}
		l := before.resources[in]
		if l == nil || !l.uses(tables) {
			var err error
			if l, err = compileListener(in, tables); err != nil {
				return nil, fmt.Errorf("listener %q: %w", in.GetName(), err)
			}
		}
		now.resources[in], now.listeners[in.GetName()] = l, l
	}
	return now, nil
}

// uses reports whether the routes of a listener are these.
func (l *listenerConfig) uses(tables map[string]*route.Table) bool {
	return !slices.ContainsFunc(l.chains, func(c *chain) bool {
		return c.http != nil && c.http.rds != "" && c.http.routes != tables[c.http.rds]
	})
}

func compileListener(in *listenerv3.Listener, tables map[string]*route.Table) (*listenerConfig, error) {
	socket := in.GetAddress().GetSocketAddress()
	if socket == nil {
		return nil, fmt.Errorf("an address of %T is not supported", in.GetAddress().GetAddress())
	}
	own := in.GetMetadata().GetFilterMetadata()["shopctl"].GetFields()
	l := &listenerConfig{
		address:   fmt.Sprintf("%s:%d", socket.GetAddress(), socket.GetPortValue()),
		inbound:   in.GetTrafficDirection() == corev3.TrafficDirection_INBOUND,
		authority: own["authority"].GetStringValue(),
	}
	if port, err := strconv.ParseUint(own["port"].GetStringValue(), 10, 16); err == nil {
		l.port = uint16(port)
	}
	for _, one := range in.GetFilterChains() {
		c, err := compileChain(one, tables)
		if err != nil {
			return nil, fmt.Errorf("filter chain %q: %w", one.GetName(), err)
		}
		l.chains = append(l.chains, c)
		if port := one.GetFilterChainMatch().GetDestinationPort().GetValue(); port != 0 {
			l.port = uint16(port)
		}
	}
	slices.SortStableFunc(l.chains, byName)
	l.sniffs = l.inbound || slices.ContainsFunc(l.chains, func(c *chain) bool { return c.transport == "tls" })
	return l, nil
}

func compileChain(in *listenerv3.FilterChain, tables map[string]*route.Table) (*chain, error) {
	c := &chain{
		transport: in.GetFilterChainMatch().GetTransportProtocol(),
		alpn:      in.GetFilterChainMatch().GetApplicationProtocols(),
		servers:   in.GetFilterChainMatch().GetServerNames(),
	}
	var err error
	if c.tls, err = compileServerTLS(in.GetTransportSocket()); err != nil {
		return nil, err
	}
	for _, f := range in.GetFilters() {
		if err := c.addFilter(f.GetTypedConfig(), tables); err != nil {
			return nil, fmt.Errorf("filter %q: %w", f.GetName(), err)
		}
	}
	if c.http == nil && c.tcp == nil {
		return nil, fmt.Errorf("no filter takes the connection")
	}
	return c, nil
}

func (c *chain) addFilter(packed *anypb.Any, tables map[string]*route.Table) error {
	config, err := packed.UnmarshalNew()
	if err != nil {
		return err
	}
	switch config := config.(type) {
	case *hcmv3.HttpConnectionManager:
		c.http, err = compileManager(config, tables)
	case *tcpv3.TcpProxy:
		c.tcp, err = compileTCP(config)
	case *rbacnetworkv3.RBAC:
		var f *rbac.Filter
		f, err = rbac.CompileNetwork(config)
		c.network = append(c.network, f)
	default:
		err = fmt.Errorf("a %T is not supported", config)
	}
	return err
}

func compileServerTLS(socket *corev3.TransportSocket) (*serverTLS, error) {
	switch socket.GetName() {
	case "", "envoy.transport_sockets.raw_buffer":
		return nil, nil
	case "envoy.transport_sockets.tls":
	default:
		return nil, fmt.Errorf("the transport socket %q is not supported", socket.GetName())
	}
	var context tlsv3.DownstreamTlsContext
	if err := socket.GetTypedConfig().UnmarshalTo(&context); err != nil {
		return nil, err
	}
	own, err := compileOwnTLS(&context)
	if err != nil {
		return nil, err
	}
	common := context.GetCommonTlsContext()
	s := &serverTLS{own: own, alpn: common.GetAlpnProtocols()}
	validation := common.GetCombinedValidationContext().GetDefaultValidationContext()
	if validation == nil {
		validation = common.GetValidationContext()
	}
	//lint:ignore SA1019 Istio sets the older field.
	for _, m := range validation.GetMatchSubjectAltNames() {
		fits, err := match.CompileString(m)
		if err != nil {
			return nil, err
		}
		s.names = append(s.names, fits)
	}
	return s, nil
}

func compileManager(in *hcmv3.HttpConnectionManager, tables map[string]*route.Table) (*manager, error) {
	m := &manager{certs: in.GetForwardClientCertDetails(), edge: in.GetUseRemoteAddress().GetValue(), traces: in.GetTracing() != nil}
	var err error
	switch routes := in.GetRouteSpecifier().(type) {
	case *hcmv3.HttpConnectionManager_RouteConfig:
		m.routes, err = route.Compile(routes.RouteConfig)
	case *hcmv3.HttpConnectionManager_Rds:
		m.rds = routes.Rds.GetRouteConfigName()
		if m.routes = tables[m.rds]; m.routes == nil {
			m.routes, err = route.Compile(&routev3.RouteConfiguration{Name: m.rds})
		}
	default:
		err = fmt.Errorf("routes by %T are not supported", routes)
	}
	if err != nil {
		return nil, err
	}
	for _, f := range in.GetHttpFilters() {
		if err := m.addFilter(f); err != nil {
			return nil, fmt.Errorf("filter %q: %w", f.GetName(), err)
		}
	}
	return m, nil
}

// addFilter adds a filter of requests. Those for faults and CORS are configured by routes, and the router is what follows.
func (m *manager) addFilter(in *hcmv3.HttpFilter) error {
	config, err := in.GetTypedConfig().UnmarshalNew()
	if err != nil {
		return err
	}
	var f filter
	switch config := config.(type) {
	case *jwtv3.JwtAuthentication:
		f.jwt, err = jwt.Compile(config)
	case *rbacv3.RBAC:
		f.rbac, err = rbac.Compile(config)
	case *faultv3.HTTPFault:
		if config.GetDelay() != nil || config.GetAbort() != nil {
			err = fmt.Errorf("a fault of all routes is not supported")
		}
		return err
	default:
		if !slices.Contains([]string{route.CORSFilter, "envoy.filters.http.router", "envoy.filters.http.grpc_stats"}, in.GetName()) {
			err = fmt.Errorf("it is not supported")
		}
		return err
	}
	m.filters = append(m.filters, f)
	return err
}

// find returns the chain of a connection; nil: the listener does not take it.
func (l *listenerConfig) find(secure bool, alpn []string, server string) *chain {
	transport := "raw_buffer"
	if secure {
		transport = "tls"
	}
	for _, c := range l.chains {
		if c.transport != "" && c.transport != transport {
			continue
		}
		if !c.named(server) {
			continue
		}
		if c.alpn == nil || slices.ContainsFunc(alpn, func(p string) bool { return slices.Contains(c.alpn, p) }) {
			return c
		}
	}
	return nil
}

// workload is where TLS goes which is not the mesh's: where plain text goes. Nil: such connections are not taken.
func (l *listenerConfig) workload() *tcpRoute {
	c := l.find(false, nil, "")
	switch {
	case c == nil || len(c.network) > 0:
		return nil
	case c.http == nil:
		return c.tcp
	}
	for _, r := range c.http.routes.Routes() {
		for _, t := range r.Targets() {
			return &tcpRoute{clusters: []string{t.Cluster}}
		}
	}
	return nil
}
