package translate

import (
	"fmt"
	"slices"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	networking "istio.io/api/networking/v1alpha3"
)

// meshGateway is the name of all sidecars in an object's list of gateways.
const meshGateway = "mesh"

// VirtualHost returns how a sidecar routes requests to a port of a service.
func (m *Mesh) VirtualHost(proxy Proxy, s *Service, port Port) *routev3.VirtualHost {
	r := &router{mesh: m, proxy: proxy, port: port.Number}
	host := m.host(s)
	var routes []*routev3.Route
	if vs := m.virtualService(host); vs != nil {
		routes = r.routes(vs)
	}
	if len(routes) == 0 { // no object holds for the host, or none of its rules for this sidecar
		routes = []*routev3.Route{r.defaultRoute(host)}
	}
	return &routev3.VirtualHost{
		Name:                       fmt.Sprintf("%s:%d", host, port.Number),
		Domains:                    m.domains(s),
		IncludeRequestAttemptCount: true,
		Routes:                     routes,
	}
}

// domains are the names by which a service is called.
func (m *Mesh) domains(s *Service) []string {
	host := m.host(s)
	domains := []string{host, host + ".", s.Name, s.Name + "." + s.Namespace + ".svc", s.Name + "." + s.Namespace}
	if s.VIP != "" {
		domains = append(domains, s.VIP)
	}
	return domains
}

// VirtualServiceOf is the one that holds for a service in sidecars; nil if there is none.
func (m *Mesh) VirtualServiceOf(s *Service) *VirtualService { return m.virtualService(m.host(s)) }

// virtualService is the one that holds for a host in sidecars: that with the most exact name for it, and of several the
// oldest. The others are ignored; nothing is merged. Nil if there is none.
func (m *Mesh) virtualService(host string) *VirtualService {
	var found *VirtualService
	best := 0
	for _, vs := range sortedOldest(m.VirtualServices, func(vs VirtualService) Meta { return vs.Meta }) {
		if gateways := vs.Spec.GetGateways(); len(gateways) > 0 && !slices.Contains(gateways, meshGateway) {
			continue
		}
		for _, h := range vs.Spec.GetHosts() {
			if match := hostMatch(m.fullName(h, vs.Namespace), host); match > best {
				best, found = match, &vs
			}
		}
	}
	return found
}

// gateways are the names in a list of an object's, each with its namespace; that of all sidecars stays as it is.
func (vs *VirtualService) gateways(names []string) []string {
	full := make([]string, len(names))
	for i, name := range names {
		full[i] = name
		if name != meshGateway && !strings.Contains(name, "/") {
			full[i] = vs.Namespace + "/" + name
		}
	}
	return full
}

// server is one of a Gateway's.
type server struct {
	gateway Gateway
	spec    *networking.Server
}

// listening are the servers without TLS that Gateways give a workload at a port.
func (m *Mesh) listening(w Workload, port uint32) []server {
	return m.servers(w, port, func(s *networking.Server) bool { return ServesHTTP(s.GetPort().GetProtocol()) })
}

// servers are those of a kind that Gateways give a workload at a port, in the order of the objects' age.
func (m *Mesh) servers(w Workload, port uint32, is func(*networking.Server) bool) (found []server) {
	for _, g := range sortedOldest(m.Gateways, func(g Gateway) Meta { return g.Meta }) {
		if !includes(w.Labels, g.Spec.GetSelector()) {
			continue
		}
		for _, s := range g.Spec.GetServers() {
			if s.GetPort().GetNumber() == port && is(s) {
				found = append(found, server{g, s})
			}
		}
	}
	return found
}

// ServesHTTP reports whether a gateway routes requests at a port of this protocol, which is not secured.
func ServesHTTP(protocol string) bool {
	return slices.Contains([]string{"HTTP", "HTTP2", "GRPC", "GRPC-WEB"}, strings.ToUpper(protocol))
}

// HasServers reports whether Gateways give a workload a server of HTTP at a port.
func (m *Mesh) HasServers(w Workload, port uint32) bool { return len(m.listening(w, port)) > 0 }

// GatewayHosts returns how a gateway routes requests to a port of its own: by the rules of the VirtualServices that name one
// of its Gateways, for hosts that both have. The rules of several for one host are joined, those of the oldest first.
func (m *Mesh) GatewayHosts(w Workload, port uint32) []*routev3.VirtualHost {
	servers := m.listening(w, port)
	hosts := m.virtualHosts(w, port, servers)
	for _, s := range servers {
		if s.spec.GetTls().GetHttpsRedirect() {
			hosts = s.redirect(hosts, port)
		}
	}
	return hosts
}

// redirect has requests for the hosts of a server redirected to https, also for those without rules.
func (s server) redirect(hosts []*routev3.VirtualHost, port uint32) []*routev3.VirtualHost {
	for _, h := range s.spec.GetHosts() {
		domain := strings.ToLower(h[strings.IndexByte(h, '/')+1:])
		known := false
		for _, host := range hosts {
			if slices.ContainsFunc(host.GetDomains(), func(d string) bool { return hostMatch(domain, d) > 0 }) {
				host.RequireTls = routev3.VirtualHost_ALL
			}
			known = known || slices.Contains(host.GetDomains(), domain)
		}
		if !known {
			hosts = append(hosts, &routev3.VirtualHost{Name: fmt.Sprintf("%s:%d", domain, port), Domains: []string{domain}, RequireTls: routev3.VirtualHost_ALL})
		}
	}
	return hosts
}

// virtualHosts are the hosts of servers with the rules of VirtualServices.
func (m *Mesh) virtualHosts(w Workload, port uint32, servers []server) []*routev3.VirtualHost {
	var hosts []*routev3.VirtualHost
	byHost := map[string]*routev3.VirtualHost{}
	for _, l := range servers {
		name := l.gateway.Namespace + "/" + l.gateway.Name
		for _, vs := range sortedOldest(m.VirtualServices, func(vs VirtualService) Meta { return vs.Meta }) {
			if !slices.Contains(vs.gateways(vs.Spec.GetGateways()), name) {
				continue
			}
			r := &router{mesh: m, proxy: Proxy(w), port: port, gateway: name}
			for _, h := range vs.Spec.GetHosts() {
				host := m.fullName(h, vs.Namespace)
				routes := r.routes(&vs)
				if len(routes) == 0 || !l.takes(host, vs.Namespace) {
					continue
				}
				if byHost[host] == nil {
					byHost[host] = &routev3.VirtualHost{Name: fmt.Sprintf("%s:%d", host, port), Domains: []string{host}, IncludeRequestAttemptCount: true}
					hosts = append(hosts, byHost[host])
				}
				byHost[host].Routes = append(byHost[host].Routes, routes...)
			}
		}
	}
	for _, h := range hosts { // a rule for all requests of one object leaves those of the others theirs
		slices.SortStableFunc(h.Routes, func(a, b *routev3.Route) int { return rank(a) - rank(b) })
	}
	return hosts
}

func rank(r *routev3.Route) int {
	if fitsAll(r.GetMatch()) {
		return 1
	}
	return 0
}

// takes reports whether the server takes requests for a host of a VirtualService: "*", "shop.example.com",
// "*.example.com", each with the namespace of the VirtualService before a slash, or "." for the Gateway's own.
func (s server) takes(host, namespace string) bool {
	return slices.ContainsFunc(s.spec.GetHosts(), func(pattern string) bool {
		if from, rest, ok := strings.Cut(pattern, "/"); ok {
			if from != "*" && from != namespace && (from != "." || s.gateway.Namespace != namespace) {
				return false
			}
			pattern = rest
		}
		pattern = strings.ToLower(pattern)
		return hostMatch(pattern, host) > 0 || hostMatch(host, pattern) > 0
	})
}

// AnyHost returns how a gateway routes requests for hosts that it has no rules for: all to a port of a service.
func (m *Mesh) AnyHost(w Workload, s *Service, port Port) *routev3.VirtualHost {
	r := &router{mesh: m, proxy: Proxy(w), port: port.Number}
	return &routev3.VirtualHost{
		Name: fmt.Sprintf("*:%d", port.Number), Domains: []string{"*"}, IncludeRequestAttemptCount: true,
		Routes: []*routev3.Route{r.defaultRoute(m.host(s))},
	}
}
