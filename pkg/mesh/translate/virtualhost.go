package translate

import (
	"fmt"
	"slices"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
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
