package topology

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
)

// Map is the calls between the services of a shop over a window of time.
type Map struct {
	Time   time.Time
	Window time.Duration
	Nodes  []Node
	Edges  []Edge
	// Blast has one entry for each active fault.
	Blast []Blast
}

// Node is a service, or another caller.
type Node struct {
	// Service is the name that people type; for what is not a workload of the shop, the name in its spans.
	Service string
	// State is ok, degraded and so on; empty for what is not a workload of the shop.
	State string
	// Faults that are active in it, as phrases.
	Faults  []string
	Traffic Traffic
	// CPUCores is processor time per time, MemoryBytes the private memory of all instances.
	CPUCores    float64
	MemoryBytes int64
	// InFlight is the average number of requests that are served at the same time.
	InFlight float64
}

// Edge is the calls from one service to another, as the caller sees them.
type Edge struct {
	Caller, Callee string
	// Protocol is grpc, http, redis, nats, ...
	Protocol string
	// Asynchronous: messages, for whose handling the caller does not wait.
	Asynchronous bool
	Traffic      Traffic
	// Failures by status, the most frequent first: "UNAVAILABLE".
	Failures []string
	// Mesh is what sidecars know of the calls; nil unless the caller has one.
	Mesh *Mesh
}

// Traffic summarizes requests over the window.
type Traffic struct {
	Requests int64
	// Rate is requests per second.
	Rate float64
	// ErrorRatio is the share of requests that failed, 0 to 1.
	ErrorRatio    float64
	P50, P95, P99 time.Duration
}

// NewMap returns the map of a snapshot, with what spans contain. A service that sends no spans of the requests that it
// serves is a node too, as its callers see it.
func NewMap(s servicegraph.Snapshot) Map {
	m := Map{Window: s.To.Sub(s.From)}
	all := figuresOf(s)
	names := map[string]bool{}
	for _, e := range s.Edges {
		edge := Edge{Caller: e.Caller, Callee: e.Callee, Protocol: e.Protocol, Asynchronous: e.Asynchronous, Traffic: traffic(e.Traffic)}
		for _, f := range e.Failures {
			edge.Failures = append(edge.Failures, f.Status)
		}
		m.Edges = append(m.Edges, edge)
		names[e.Caller], names[e.Callee] = true, true
	}
	for _, n := range s.Nodes {
		names[n.Service] = true
	}
	for name := range names {
		t := all.node(name)
		m.Nodes = append(m.Nodes, Node{Service: name, Traffic: traffic(t), InFlight: t.InFlight()})
	}
	slices.SortFunc(m.Nodes, func(a, b Node) int { return cmp.Compare(a.Service, b.Service) })
	return m
}

func traffic(t servicegraph.Traffic) Traffic {
	return Traffic{Requests: t.Requests, Rate: t.Rate(), ErrorRatio: t.ErrorRatio(), P50: t.P50, P95: t.P95, P99: t.P99}
}
