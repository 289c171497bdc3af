package control

import (
	"fmt"
	"maps"
	"slices"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/shopctl/shopctl/pkg/mesh/translate"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// GatewayListener is the name of a gateway's listener for a port of its pod, as istiod has it.
func GatewayListener(targetPort uint32) string { return fmt.Sprintf("0.0.0.0_%d", targetPort) }

// gateway adds what a gateway is configured with: a listener for each port of its Services that requests come in by, and
// all services that they may be routed to.
func gateway(r *xds.Resources, m *translate.Mesh, node Node) {
	w := translate.Workload{Namespace: node.Namespace, Labels: node.Labels}
	var front *translate.Service
	targets := map[uint32]uint32{}
	for i := range m.Services {
		s := &m.Services[i]
		for _, port := range s.Ports {
			callees(r, m, translate.Proxy(w), s, port)
			if s.Namespace == node.Namespace && selects(s.Selector, node.Labels) {
				targets[port.Number] = port.TargetPort
			}
		}
		if (orchestrator.Key{Namespace: s.Namespace, Name: s.Name}) == node.Front {
			front = s
		}
	}
	for _, number := range slices.Sorted(maps.Keys(targets)) {
		if secure, wanted := m.SecureServers(w, number); wanted { // and never plaintext, while the credentials are missing
			if len(secure) > 0 {
				secureEntry(r, m, w, targets[number], secure, front)
			}
			continue
		}
		hosts := m.GatewayHosts(w, number)
		if any := anyHost(m, w, front, number); any != nil && !slices.ContainsFunc(hosts, takesAll) {
			hosts = append(hosts, any)
		}
		if len(hosts) > 0 || m.HasServers(w, number) {
			entry(r, m, w, targets[number], hosts)
		}
	}
}

// anyHost is where requests for hosts without rules go, if they come in by a port that the front Service has as well.
func anyHost(m *translate.Mesh, w translate.Workload, front *translate.Service, number uint32) *routev3.VirtualHost {
	if front == nil {
		return nil
	}
	i := slices.IndexFunc(front.Ports, func(p translate.Port) bool { return p.Number == number && p.Protocol != translate.TCP })
	if i < 0 {
		return nil
	}
	return m.AnyHost(w, front, front.Ports[i])
}

func takesAll(h *routev3.VirtualHost) bool { return slices.Contains(h.GetDomains(), "*") }

// selects reports whether labels have all of a selector's; one without labels selects nothing.
func selects(selector, labels map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return len(selector) > 0
}

// entry adds a listener of a gateway. Requests pass the policies of the gateway before they are routed.
func entry(r *xds.Resources, m *translate.Mesh, w translate.Workload, target uint32, hosts []*routev3.VirtualHost) {
	name, routes := GatewayListener(target), fmt.Sprintf("http.%d", target)
	r.Listeners = append(r.Listeners, &listenerv3.Listener{
		Name: name, Address: socketAddress(loopback, 0), TrafficDirection: corev3.TrafficDirection_OUTBOUND,
		FilterChains: []*listenerv3.FilterChain{{
			FilterChainMatch: &listenerv3.FilterChainMatch{DestinationPort: wrapperspb.UInt32(target)},
			Filters:          []*listenerv3.Filter{edgeManager(name, routes, m.InboundFilters(w))},
		}},
	})
	r.Routes = append(r.Routes, &routev3.RouteConfiguration{Name: routes, VirtualHosts: hosts, IgnorePortInHostMatching: true})
}

// secureEntry adds a listener of a gateway for TLS, with a filter chain for each server.
func secureEntry(r *xds.Resources, m *translate.Mesh, w translate.Workload, target uint32, servers []translate.SecureServer, front *translate.Service) {
	l := &listenerv3.Listener{
		Name: GatewayListener(target), Address: socketAddress(loopback, 0), TrafficDirection: corev3.TrafficDirection_OUTBOUND,
	}
	for _, s := range servers {
		hosts := s.VirtualHosts
		if any := frontHost(m, w, front); any != nil && s.All && !slices.ContainsFunc(hosts, takesAll) {
			hosts = append(hosts, any)
		}
		l.FilterChains = append(l.FilterChains, &listenerv3.FilterChain{
			FilterChainMatch: &listenerv3.FilterChainMatch{DestinationPort: wrapperspb.UInt32(target), TransportProtocol: "tls", ServerNames: s.Hosts},
			TransportSocket:  s.Socket,
			Filters:          []*listenerv3.Filter{edgeManager(l.GetName(), s.Routes, m.InboundFilters(w))},
		})
		r.Routes = append(r.Routes, &routev3.RouteConfiguration{Name: s.Routes, VirtualHosts: hosts, IgnorePortInHostMatching: true})
	}
	r.Listeners = append(r.Listeners, l)
}

// frontHost is where requests with TLS for hosts without rules go: to the first port of the front Service.
func frontHost(m *translate.Mesh, w translate.Workload, front *translate.Service) *routev3.VirtualHost {
	if front == nil {
		return nil
	}
	for _, p := range front.Ports {
		if any := anyHost(m, w, front, p.Number); any != nil {
			return any
		}
	}
	return nil
}

// edgeManager takes requests from outside: it begins their traces, says who sent them and how, and shows programs only such
// certificates as it has seen.
func edgeManager(listener, routes string, filters []*hcmv3.HttpFilter) *listenerv3.Filter {
	manager := managerOf(listener, routes, slices.Clip(filters))
	manager.UseRemoteAddress = wrapperspb.Bool(true)
	manager.Tracing = &hcmv3.HttpConnectionManager_Tracing{RandomSampling: &typev3.Percent{Value: 100}}
	manager.ForwardClientCertDetails = hcmv3.HttpConnectionManager_SANITIZE_SET
	manager.SetCurrentClientCertDetails = &hcmv3.HttpConnectionManager_SetCurrentClientCertDetails{Subject: wrapperspb.Bool(true), Uri: true, Dns: true}
	return managing(manager)
}
