package topology

import "github.com/shopctl/shopctl/pkg/observe/servicegraph"

// figures finds things in a snapshot.
type figures struct {
	servicegraph.Snapshot
	nodes map[string]servicegraph.Traffic
}

func figuresOf(s servicegraph.Snapshot) figures {
	f := figures{s, map[string]servicegraph.Traffic{}}
	callers := map[string]int{}
	for _, e := range s.Edges {
		callers[e.Callee]++
	}
	for _, n := range s.Nodes {
		f.nodes[n.Service] = n.Traffic
	}
	for _, e := range s.Edges {
		// A service that sends no spans is as its caller sees it; quantiles of several callers cannot be added.
		if _, known := f.nodes[e.Callee]; !known && callers[e.Callee] == 1 {
			f.nodes[e.Callee] = e.Traffic
		}
	}
	return f
}

func (f figures) node(service string) servicegraph.Traffic { return f.nodes[service] }
