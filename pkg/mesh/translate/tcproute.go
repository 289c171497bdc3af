package translate

import (
	"slices"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	networking "istio.io/api/networking/v1alpha3"
)

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
