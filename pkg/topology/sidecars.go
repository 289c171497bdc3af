package topology

// Hops are the traffic of edges as sidecars count it, by caller and callee.
type Hops struct {
	// Sent is what the caller's sidecar counts, Served the callee's.
	Sent, Served map[[2]string]Traffic
	// Gateways are the workloads that are a sidecar without a program.
	Gateways map[string]bool
}

// WithSidecars returns the map with a node for each sidecar that a call goes through: an edge becomes the calls of the program to
// its sidecar, of that one to the callee's, and of the latter to its program, each as who calls or serves counts it. What
// sidecars know of the edge is then known of the call between them. A sidecar is named after its edge, so that no figures of two
// edges are one.
func (m Map) WithSidecars(h Hops) Map {
	edges := m.Edges
	m.Edges = nil
	for _, e := range edges {
		if gateway := h.gatewayOf(e); gateway != "" {
			m.Edges = append(m.Edges, Edge{Caller: e.Caller, Callee: gateway, Protocol: e.Protocol, Traffic: e.Traffic, Failures: e.Failures})
			e.Caller, e.Mesh = gateway, nil
		}
		if e.Asynchronous {
			m.Edges = append(m.Edges, e)
			continue
		}
		m.Edges = append(m.Edges, h.chain(e)...)
	}
	return m
}

// gatewayOf is the gateway that a user's requests come by.
func (h Hops) gatewayOf(e Edge) string {
	for pair := range h.Sent {
		if e.Caller == user && pair[1] == e.Callee && h.Gateways[pair[0]] {
			return pair[0]
		}
	}
	return ""
}

// chain are the calls that an edge is made of.
func (h Hops) chain(e Edge) []Edge {
	pair := [2]string{e.Caller, e.Callee}
	sent, out := h.Sent[pair]
	served, in := h.Served[pair]
	names, figures := []string{e.Caller}, []Traffic{e.Traffic}
	switch {
	case out && h.Gateways[e.Caller]:
		figures[0] = sent
	case out:
		names, figures = append(names, e.Caller+"'s sidecar to "+e.Callee), append(figures, sent)
	}
	between := len(names) - 1
	if in {
		names, figures = append(names, e.Callee+"'s sidecar from "+e.Caller), append(figures, served)
	}
	names = append(names, e.Callee)
	var all []Edge
	for i, traffic := range figures {
		one := Edge{Caller: names[i], Callee: names[i+1], Protocol: e.Protocol, Traffic: traffic}
		if i == 0 && !h.Gateways[e.Caller] {
			one.Failures = e.Failures
		}
		if i == between {
			one.Mesh = e.Mesh
		}
		all = append(all, one)
	}
	return all
}
