package servicegraph

import (
	"cmp"
	"slices"
	"time"
)

// Snapshot is how requests went over a time.
type Snapshot struct {
	From, To time.Time
	// Edges in order of their names, Nodes and Operations as well; each has at least one request, or had
	// one before and is still known.
	Edges      []Edge
	Nodes      []Node
	Operations []Operation
	Dropped    Dropped
}

// Edge describes the calls from a caller to a callee, as the caller sees them.
type Edge struct {
	Caller, Callee string
	// Protocol is grpc, http, redis, nats and so on; empty if no span has it.
	Protocol string
	// Asynchronous: the caller sends messages and does not wait. Each time that the callee handles one is a request, and took
	// what passed from the sending to the end of the handling.
	Asynchronous bool
	Traffic
}

// Node describes the calls that a service serves.
type Node struct {
	Service string
	Traffic
}

// Operation is a kind of request that a service serves, by the name of its span: "POST /cart/checkout".
type Operation struct {
	Service, Name string
	Traffic
}

// Traffic is how requests went.
type Traffic struct {
	Requests, Failed int64
	// Over is the measured time, Busy the sum of what the requests took: Busy per Over is how
	// many were served at once.
	Over, Busy    time.Duration
	P50, P95, P99 time.Duration
	// Failures by status, the most frequent first.
	Failures []Failure
}

// Failure is how many requests failed with a status: "UNAVAILABLE", "503".
type Failure struct {
	Status string
	Count  int64
}

// Rate is in requests per second.
func (t Traffic) Rate() float64 {
	if t.Over <= 0 {
		return 0
	}
	return float64(t.Requests) / t.Over.Seconds()
}

// ErrorRatio is the share of the requests that failed, 0 to 1.
func (t Traffic) ErrorRatio() float64 {
	if t.Requests == 0 {
		return 0
	}
	return float64(t.Failed) / float64(t.Requests)
}

// InFlight is how many requests were served at once, on average.
func (t Traffic) InFlight() float64 {
	if t.Over <= 0 {
		return 0
	}
	return t.Busy.Seconds() / t.Over.Seconds()
}

// Between looks at whole seconds between two times, at most as far back as is kept, and not before the
// graph began.
func (g *Graph) Between(from, to time.Time) Snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tick()
	if earliest := g.now.Add(-Kept); from.Before(earliest) {
		from = earliest
	}
	if from.Before(g.started) {
		from = g.started
	}
	if from.Nanosecond() > 0 && from.After(g.started) {
		from = from.Truncate(time.Second).Add(time.Second)
	}
	w := span{first: from.Unix(), last: to.Unix(), over: max(0, to.Sub(from)), hist: &g.hist}
	snap := Snapshot{From: from, To: to, Dropped: g.dropped}
	for k, e := range g.edges {
		if t, ok := w.read(&e.series); ok {
			snap.Edges = append(snap.Edges, Edge{k.caller, k.callee, e.protocol, k.asynchronous, t})
		}
	}
	for name, n := range g.nodes {
		if t, ok := w.read(n); ok {
			snap.Nodes = append(snap.Nodes, Node{name, t})
		}
	}
	for k, o := range g.ops {
		if t, ok := w.read(o); ok {
			snap.Operations = append(snap.Operations, Operation{k.service, clean(k.name), t})
		}
	}
	slices.SortFunc(snap.Edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.Caller, b.Caller), cmp.Compare(a.Callee, b.Callee), later(a.Asynchronous, b.Asynchronous))
	})
	slices.SortFunc(snap.Nodes, func(a, b Node) int { return cmp.Compare(a.Service, b.Service) })
	slices.SortFunc(snap.Operations, func(a, b Operation) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Name, b.Name))
	})
	return snap
}

// later orders calls before messages.
func later(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// quietFor is for how many seconds a series without requests is still shown: a shop that pauses keeps its shape, and
// calls made by hand disappear.
const quietFor = 60

// span is a stretch of whole seconds.
type span struct {
	first, last int64
	over        time.Duration
	hist        *histogram
}

// read adds up the seconds of a series; not ok if nothing at all is kept of it.
func (w span) read(s *series) (t Traffic, ok bool) {
	t.Over = w.over
	w.hist.reset()
	var failed [maxStatuses]int64
	for second := max(w.first, s.last-slots+1); second <= min(w.last, s.last); second++ {
		at := &s.ring[second%slots]
		if at.second != second {
			continue
		}
		t.Requests += int64(at.requests)
		t.Failed += int64(at.failures)
		t.Busy += at.sum
		w.hist.add(at.took)
		for i, n := range at.failed {
			failed[i] += int64(n)
		}
	}
	q := w.hist.quantiles([3]float64{0.50, 0.95, 0.99})
	t.P50, t.P95, t.P99 = q[0], q[1], q[2]
	for i, status := range s.statuses {
		if failed[i] > 0 {
			t.Failures = append(t.Failures, Failure{status, failed[i]})
		}
	}
	slices.SortFunc(t.Failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Status, b.Status))
	})
	return t, t.Requests > 0 || w.last-s.last < quietFor
}
