package topology

import (
	"time"

	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
)

// sample is the traffic of 30 s.
func sample(requests, failed int64, p95 time.Duration, status string) servicegraph.Traffic {
	t := servicegraph.Traffic{
		Requests: requests, Failed: failed, Over: 30 * time.Second, Busy: time.Duration(requests) * p95 / 2,
		P50: p95 / 2, P95: p95, P99: p95 * 6 / 5,
	}
	if failed > 0 {
		t.Failures = []servicegraph.Failure{{Status: status, Count: failed}}
	}
	return t
}

const ms4, ms40 = 4 * time.Millisecond, 40 * time.Millisecond

// shop is thirty seconds in which nothing is amiss; the changes make something.
func shop(changes ...func(*servicegraph.Snapshot)) servicegraph.Snapshot {
	from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := servicegraph.Snapshot{From: from, To: from.Add(30 * time.Second)}
	s.Edges = []servicegraph.Edge{
		{Caller: "cart", Callee: "redis-cart", Protocol: "redis", Traffic: sample(500, 0, time.Millisecond, "")},
		{Caller: "checkout", Callee: "cart", Protocol: "grpc", Traffic: sample(132, 0, ms4, "")},
		{Caller: "checkout", Callee: "email", Protocol: "grpc", Traffic: sample(66, 0, ms4, "")},
		{Caller: "checkout", Callee: "payment", Protocol: "grpc", Traffic: sample(66, 0, ms4, "")},
		{Caller: "frontend", Callee: "ad", Protocol: "grpc", Traffic: sample(400, 0, ms4, "")},
		{Caller: "frontend", Callee: "cart", Protocol: "grpc", Traffic: sample(600, 0, ms4, "")},
		{Caller: "frontend", Callee: "checkout", Protocol: "grpc", Traffic: sample(66, 0, ms40, "")},
		{Caller: "loadgenerator", Callee: "frontend", Protocol: "http", Traffic: sample(600, 0, ms40, "")},
	}
	for name, t := range map[string]servicegraph.Traffic{
		"ad": sample(400, 0, ms4, ""), "cart": sample(732, 0, ms4, ""), "checkout": sample(66, 0, ms40, ""), "email": sample(66, 0, ms4, ""),
		"frontend": sample(600, 0, ms40, ""), "payment": sample(66, 0, ms4, ""),
	} {
		s.Nodes = append(s.Nodes, servicegraph.Node{Service: name, Traffic: t})
	}
	s.Operations = []servicegraph.Operation{
		{Service: "frontend", Name: "GET /", Traffic: sample(534, 0, ms40, "")},
		{Service: "frontend", Name: "POST /cart/checkout", Traffic: sample(66, 0, ms40, "")},
	}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func edge(caller, callee string, t servicegraph.Traffic) func(*servicegraph.Snapshot) {
	return func(s *servicegraph.Snapshot) {
		for i, e := range s.Edges {
			if e.Caller == caller && e.Callee == callee {
				s.Edges[i].Traffic = t
			}
		}
	}
}

func node(service string, t servicegraph.Traffic) func(*servicegraph.Snapshot) {
	return func(s *servicegraph.Snapshot) {
		for i, n := range s.Nodes {
			if n.Service == service {
				s.Nodes[i].Traffic = t
			}
		}
	}
}

func operation(name string, t servicegraph.Traffic) func(*servicegraph.Snapshot) {
	return func(s *servicegraph.Snapshot) {
		for i, o := range s.Operations {
			if o.Name == name {
				s.Operations[i].Traffic = t
			}
		}
	}
}

const order = "POST /cart/checkout"
