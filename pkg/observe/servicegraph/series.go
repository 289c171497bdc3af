package servicegraph

import "time"

const (
	// slots is how many seconds a series holds: what is kept, and the second that is not over.
	slots = int64(Kept/time.Second) + 2
	// maxStatuses bounds the distinct statuses of failures; the last is for all others.
	maxStatuses = 8
)

// otherStatus counts failures of any status beyond the first maxStatuses.
const otherStatus = "other"

// series counts what happened second by second, in a ring.
type series struct {
	ring []slot
	last int64 // the newest second
	// statuses are those of failures so far, in order of first occurrence: the index of slot.failed.
	statuses []string
}

// slot is one second.
type slot struct {
	second   int64
	requests uint32
	failures uint32
	sum      time.Duration
	failed   [maxStatuses]uint16
	took     []counted
}

// observe counts one request.
func (s *series) observe(second int64, took time.Duration, failed bool, status string) {
	if s.ring == nil {
		s.ring = make([]slot, slots)
	}
	s.last = max(s.last, second)
	at := &s.ring[second%slots]
	if at.second != second {
		*at = slot{second: second, took: at.took[:0]}
	}
	at.requests++
	if took != unknown {
		at.sum += took
		at.took = count(at.took, took)
	}
	if failed {
		at.failures++
		increase(&at.failed[s.status(status)])
	}
}

// increase leaves a counter that is full as it is: 65,535 of a kind in a second are enough to tell shares by.
func increase(n *uint16) {
	if *n+1 != 0 {
		*n++
	}
}

// status is the index of a failure's status.
func (s *series) status(status string) int {
	if status == "" {
		status = otherStatus
	}
	for i, known := range s.statuses {
		if known == status {
			return i
		}
	}
	switch n := len(s.statuses); {
	case n < maxStatuses-1:
		s.statuses = append(s.statuses, status)
		return n
	case n == maxStatuses-1:
		s.statuses = append(s.statuses, otherStatus)
	}
	return maxStatuses - 1
}

// edge finds or makes an edge; nil if there is no room.
func (g *Graph) edge(k edgeKey, protocol string) *edge {
	e := g.edges[k]
	if e == nil {
		if len(g.edges) >= maxEdges && !g.sweep(func() bool { return len(g.edges) < maxEdges }) {
			g.dropped.Series++
			return nil
		}
		e = &edge{}
		g.edges[k] = e
	}
	if e.protocol == "" && protocol != "" {
		e.protocol = g.word(protocol)
	}
	return e
}

// node finds or makes the counts of what a service serves; nil if there is no room.
func (g *Graph) node(service string) *series {
	n := g.nodes[service]
	if n == nil {
		if len(g.nodes) >= maxNodes && !g.sweep(func() bool { return len(g.nodes) < maxNodes }) {
			g.dropped.Series++
			return nil
		}
		n = &series{}
		g.nodes[service] = n
	}
	return n
}

// operation finds or makes the counts of one operation of a service; nil if there is no room.
func (g *Graph) operation(service, name string) *series {
	name = name[:min(len(name), maxWord)]
	o := g.ops[operationKey{service, name}]
	if o == nil {
		if len(g.ops) >= maxOperations && !g.sweep(func() bool { return len(g.ops) < maxOperations }) {
			g.dropped.Series++
			return nil
		}
		o = &series{}
		g.ops[operationKey{service, string([]byte(name))}] = o // cleaned when it is shown
	}
	return o
}

// sweep removes what was not seen for the whole time that is kept, at most once a second, and
// reports whether there is room now.
func (g *Graph) sweep(room func() bool) bool {
	if g.swept == g.second {
		return room()
	}
	g.swept = g.second
	for k, e := range g.edges {
		if g.second-e.last >= slots {
			delete(g.edges, k)
		}
	}
	for k, n := range g.nodes {
		if g.second-n.last >= slots {
			delete(g.nodes, k)
		}
	}
	for k, o := range g.ops {
		if g.second-o.last >= slots {
			delete(g.ops, k)
		}
	}
	return room()
}
