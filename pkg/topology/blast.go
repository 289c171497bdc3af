package topology

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Fault is what is broken.
type Fault struct {
	ID, Service string
	// Words say what is broken: "UNAVAILABLE 50%".
	Words string
	// Delay is what calls wait for it, if they do.
	Delay time.Duration
}

// Blast finds how far a fault reaches: from the service that is broken up along the calls to it, as far as
// errors or latencies are other than before, to what users feel. now is the time since the fault began, or
// the last part of it; before is a time without it, and without requests if nothing was measured then.
func Blast(f Fault, now, before servicegraph.Snapshot) *controlpb.BlastRadius {
	w := newWalk(f, now, before)
	return &controlpb.BlastRadius{Service: f.Service, FaultId: f.ID, Sentence: w.sentence(), Steps: w.proto()}
}

// step is a service that the fault reaches, or users.
type step struct {
	service string
	// to is whom the service calls, of one whose answers are as before.
	to          string
	now, before servicegraph.Traffic
	effect      effect
}

// walk goes up from a fault.
type walk struct {
	fault       Fault
	now, before figures
	// callers that the fault reaches; stopped are those whose calls it reaches, but not their answers.
	reached, stopped []step
	felt             []step
	seen             map[string]bool
}

func newWalk(f Fault, now, before servicegraph.Snapshot) *walk {
	w := &walk{fault: f, now: figuresOf(now), before: figuresOf(before), seen: map[string]bool{f.Service: true}}
	for level := []string{f.Service}; len(level) > 0; {
		level = w.climb(level)
	}
	w.felt = w.users()
	return w
}

// climb goes from the services of a level to their callers, and returns those that the fault reaches.
func (w *walk) climb(level []string) (next []string) {
	for _, service := range level {
		for _, e := range w.now.into(service) {
			if w.seen[e.Caller] || w.now.outside(e.Caller) {
				continue
			}
			calls := w.compare(e.Traffic, w.before.edge(e.Caller, service))
			if calls.none() {
				continue
			}
			w.seen[e.Caller] = true
			was := w.before.node(e.Caller)
			is := w.now.node(e.Caller)
			if answers := w.compare(is, was); answers.none() {
				w.stopped = append(w.stopped, step{e.Caller, service, e.Traffic, w.before.edge(e.Caller, service), calls})
			} else {
				w.reached = append(w.reached, step{e.Caller, "", is, was, answers})
				next = append(next, e.Caller)
			}
		}
	}
	return next
}

// users are the steps at which the fault reaches the people in front of the shop: their orders, and
// their other requests.
func (w *walk) users() (felt []step) {
	entry := w.now.entry()
	if entry == "" || entry != w.fault.Service && !w.reaches(entry) {
		return nil
	}
	orders, pages := w.now.split(entry)
	ordersBefore, pagesBefore := w.before.split(entry)
	if e := w.compare(orders, ordersBefore); !e.none() {
		felt = append(felt, step{wordOrders, "", orders, ordersBefore, e})
	}
	if e := w.compare(pages, pagesBefore); !e.none() && w.beyondOrders(entry, orders.Requests) {
		felt = append(felt, step{wordPages, "", pages, pagesBefore, e})
	}
	return felt
}

// beyondOrders tells whether the service in front calls what the fault reaches for more than orders. Pages
// that have nothing to do with it may be slower for other reasons.
func (w *walk) beyondOrders(entry string, orders int64) bool {
	if entry == w.fault.Service {
		return true
	}
	calls := w.now.edge(entry, w.fault.Service).Requests
	for _, s := range slices.Concat(w.reached, w.stopped) {
		calls += w.now.edge(entry, s.service).Requests
	}
	return float64(calls) > 1.2*float64(orders)
}

// reaches tells whether the fault changed what a service answers, or the calls below it: where one kind
// of request of many fails, the whole may look as before.
func (w *walk) reaches(service string) bool {
	is := func(s step) bool { return s.service == service }
	return slices.ContainsFunc(w.reached, is) || slices.ContainsFunc(w.stopped, is)
}

func (w *walk) proto() []*controlpb.BlastStep {
	var steps []*controlpb.BlastStep
	for _, s := range slices.Concat(w.reached, w.stopped, w.felt) {
		p := &controlpb.BlastStep{Service: s.service, Traffic: Traffic(s.now), Effect: w.words(s)}
		if s.before.Requests > 0 {
			p.Before = Traffic(s.before)
		}
		steps = append(steps, p)
	}
	return steps
}

// Traffic is traffic as the daemon's API carries it.
func Traffic(t servicegraph.Traffic) *controlpb.Traffic {
	return &controlpb.Traffic{
		RequestsPerSecond: t.Rate(), ErrorRatio: t.ErrorRatio(), Requests: t.Requests,
		P50Ms: millis(t.P50), P95Ms: millis(t.P95), P99Ms: millis(t.P99),
	}
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Map is a snapshot as the daemon's API carries it, without what spans do not tell. A service that sends
// no spans of what it serves is a node too, as its callers see it.
func Map(s servicegraph.Snapshot) *controlpb.GetMapResponse {
	m := &controlpb.GetMapResponse{Window: durationpb.New(s.To.Sub(s.From))}
	all := figuresOf(s)
	names := map[string]bool{}
	for _, e := range s.Edges {
		edge := &controlpb.MapEdge{Caller: e.Caller, Callee: e.Callee, Protocol: e.Protocol, Traffic: Traffic(e.Traffic)}
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
		m.Nodes = append(m.Nodes, &controlpb.MapNode{Service: name, Traffic: Traffic(t), InFlight: t.InFlight()})
	}
	slices.SortFunc(m.Nodes, func(a, b *controlpb.MapNode) int { return cmp.Compare(a.GetService(), b.GetService()) })
	return m
}
