package translate

import (
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	rbacv3 "github.com/envoyproxy/go-control-plane/envoy/config/rbac/v3"
	networkrbacv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/rbac/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
)

// The filters of connections that are not HTTP, by Envoy's names.
const (
	tcpProxy    = "envoy.filters.network.tcp_proxy"
	networkRBAC = "envoy.filters.network.rbac"
)

// TCPProxy is the filter that forwards connections to a cluster.
func TCPProxy(cluster string) *listenerv3.Filter {
	return networkFilter(tcpProxy, &tcpproxyv3.TcpProxy{
		StatPrefix: cluster, ClusterSpecifier: &tcpproxyv3.TcpProxy_Cluster{Cluster: cluster},
	})
}

func networkFilter(name string, config proto.Message) *listenerv3.Filter {
	return &listenerv3.Filter{Name: name, ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: Pack(config)}}
}

// tcpFilters let connections to a port in by the policies of its workload, and forward them.
func (m *Mesh) tcpFilters(w Workload, port Port) []*listenerv3.Filter {
	var filters []*listenerv3.Filter
	for _, action := range []security.AuthorizationPolicy_Action{security.AuthorizationPolicy_DENY, security.AuthorizationPolicy_ALLOW} {
		policies := map[string]*rbacv3.Policy{}
		for _, p := range m.AuthorizationPolicies {
			if p.Spec.GetAction() == action && !p.DryRun && (p.Namespace == w.Namespace || p.Namespace == m.RootNamespace) &&
				includes(w.Labels, p.Spec.GetSelector().GetMatchLabels()) {
				p.Spec = ofConnections(p.Spec)
				p.addTo(policies)
			}
		}
		if len(policies) > 0 {
			filters = append(filters, networkFilter(networkRBAC, &networkrbacv3.RBAC{
				StatPrefix: "tcp.", Rules: &rbacv3.RBAC{Action: rbacAction(action), Policies: policies},
			}))
		}
	}
	return append(filters, TCPProxy(inboundCluster(port)))
}

// ofConnections is what a policy says of connections, which have no requests: a rule that allows by something of a request
// lets none in, and one that denies does so without that condition.
func ofConnections(spec *security.AuthorizationPolicy) *security.AuthorizationPolicy {
	out := proto.CloneOf(spec)
	kept := out.GetRules()[:0]
	for _, rule := range out.GetRules() {
		if about := withoutRequests(rule); about && out.GetAction() == security.AuthorizationPolicy_ALLOW {
			continue
		}
		kept = append(kept, rule)
	}
	if len(kept) == 0 && len(spec.GetRules()) > 0 {
		// A policy whose rules are all gone fits nothing, as one without rules does.
		out.Rules = nil
		return out
	}
	out.Rules = kept
	return out
}

// withoutRequests removes from a rule what is about requests, and reports whether there was such.
func withoutRequests(rule *security.Rule) bool {
	about := false
	for _, from := range rule.GetFrom() {
		s := from.GetSource()
		if s == nil {
			continue
		}
		about = about || len(s.GetRequestPrincipals())+len(s.GetNotRequestPrincipals()) > 0
		s.RequestPrincipals, s.NotRequestPrincipals = nil, nil
	}
	for _, to := range rule.GetTo() {
		o := to.GetOperation()
		if o == nil {
			continue
		}
		about = about || len(o.GetHosts())+len(o.GetNotHosts())+len(o.GetMethods())+len(o.GetNotMethods())+len(o.GetPaths())+len(o.GetNotPaths()) > 0
		to.Operation = &security.Operation{Ports: o.GetPorts(), NotPorts: o.GetNotPorts()}
	}
	kept := slices.DeleteFunc(rule.GetWhen(), func(c *security.Condition) bool { return strings.HasPrefix(c.GetKey(), "request.") })
	about = about || len(kept) < len(rule.GetWhen())
	rule.When = kept
	return about
}

// TCPChain is how a sidecar forwards connections to a port of a service that is not HTTP: by the first rule for TCP of the
// VirtualService that holds for the host and this caller, else to all instances.
func (m *Mesh) TCPChain(proxy Proxy, s *Service, port Port) *listenerv3.FilterChain {
	r := &router{mesh: m, proxy: proxy, port: port.Number}
	if vs := m.virtualService(m.host(s)); vs != nil {
		for i, rule := range vs.Spec.GetTcp() {
			match, ok := r.takes(vs, rule)
			if !ok {
				continue
			}
			if filter := r.forward(vs, rule.GetRoute()); filter != nil {
				return tcpChain(filter, ruleOrigin(vs, "tcp", i, match))
			}
		}
	}
	return tcpChain(TCPProxy(clusterName(port.Number, "", m.host(s))), nil)
}

func tcpChain(filter *listenerv3.Filter, metadata *corev3.Metadata) *listenerv3.FilterChain {
	return &listenerv3.FilterChain{Filters: []*listenerv3.Filter{filter}, Metadata: metadata}
}

// takes reports whether a rule is for connections of this proxy to this port, and by which of its matches; -1: it has none. A
// match of subnets never holds: a connection to a sidecar's listener does not say for which address it was meant.
func (r *router) takes(vs *VirtualService, rule *networking.TCPRoute) (match int, ok bool) {
	if len(rule.GetMatch()) == 0 {
		return -1, true
	}
	match = slices.IndexFunc(rule.GetMatch(), func(m *networking.L4MatchAttributes) bool {
		return len(m.GetDestinationSubnets()) == 0 && r.concerns(vs, m)
	})
	return match, match >= 0
}

// forward is the filter that forwards connections to destinations, by their weights; nil if none has one.
func (r *router) forward(vs *VirtualService, destinations []*networking.RouteDestination) *listenerv3.Filter {
	if len(destinations) == 1 {
		return TCPProxy(r.tcpCluster(vs, destinations[0].GetDestination()))
	}
	weighted := &tcpproxyv3.TcpProxy_WeightedCluster{}
	for _, d := range destinations {
		if d.GetWeight() > 0 {
			weighted.Clusters = append(weighted.Clusters, &tcpproxyv3.TcpProxy_WeightedCluster_ClusterWeight{
				Name: r.tcpCluster(vs, d.GetDestination()), Weight: uint32(d.GetWeight()),
			})
		}
	}
	if len(weighted.GetClusters()) == 0 {
		return nil
	}
	return networkFilter(tcpProxy, &tcpproxyv3.TcpProxy{
		StatPrefix: vs.Name + "." + vs.Namespace, ClusterSpecifier: &tcpproxyv3.TcpProxy_WeightedClusters{WeightedClusters: weighted},
	})
}

// tcpCluster is the name of the cluster of a destination. Without a port it has the only one of its service; of several,
// that of the listener.
func (r *router) tcpCluster(vs *VirtualService, d *networking.Destination) string {
	host, port := r.mesh.fullName(d.GetHost(), vs.Namespace), r.port
	if number := d.GetPort().GetNumber(); number != 0 {
		port = number
	} else if s := r.mesh.service(host); s != nil && len(s.Ports) == 1 {
		port = s.Ports[0].Number
	}
	return clusterName(port, d.GetSubset(), host)
}
