package topology

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopctl/shopctl/pkg/observe/impact"
	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
)

// Fault is an active fault.
type Fault struct {
	ID, Service string
	// Method that it is limited to; may be empty.
	Method string
	// Phrase describes it: "UNAVAILABLE 50%".
	Phrase string
	// Pending: it has not happened yet.
	Pending bool
}

// Blast is the blast radius of a fault.
type Blast struct {
	Service, FaultID string
	// Sentence is "payment UNAVAILABLE 50% -> checkout errors 48% -> 47% of orders fail (31 of 66)".
	Sentence string
	Steps    []Step
}

// Step is one service that a fault affects, or what users do.
type Step struct {
	Service string
	Traffic Traffic
	// Before the fault; nil if it was not measured.
	Before *Traffic
	// Effect is "errors 48%" or "p95 2.9s".
	Effect string
}

// Seen is what is known of the time since a fault began.
type Seen struct {
	// Requests of users since then, or the last part of them.
	Requests []impact.Request
	// Traffic: there are requests at the moment, even if none is complete.
	Traffic bool
	// Before are the calls of a time without the fault; without requests if nothing was measured then.
	Before servicegraph.Snapshot
}

// Enough is how many calls allow a conclusion from what did not happen.
const Enough = 10

// Latest are the newest requests: those of the last window, and earlier ones as long as there are not enough calls to the
// broken service among them.
func Latest(all []impact.Request, fault string, from time.Time) []impact.Request {
	calls := 0
	for i, r := range slices.Backward(all) {
		if r.Came.Before(from) && calls >= Enough {
			return all[i+1:]
		}
		if o, ok := r.Of(fault); ok {
			calls += o.Calls
		}
	}
	return all
}

// BlastOf describes the blast radius of a fault: from the service that is broken up along the calls to it, to what users
// experience.
func BlastOf(f Fault, seen Seen) Blast {
	s := summarize(f, seen)
	return Blast{Service: f.Service, FaultID: f.ID, Sentence: s.sentence(), Steps: s.steps()}
}

// summary adds up what a fault did to requests.
type summary struct {
	fault Fault
	seen  Seen
	// calls to the service, hits by the fault.
	calls, hits int
	// reached are the services on the way to users, the nearest first.
	reached []*reached
	groups  []*group
	hidden  []*hidden
	retried int
}

// reached is a service whose responses were affected.
type reached struct {
	service string
	// failed and late count the affected responses.
	failed, late int
	depth        int
	all          tally
}

// group is the requests of one kind.
type group struct {
	kind impact.Kind
	// services that they were sent to.
	services []string
	// failed, late and hit count the affected requests.
	failed, timedOut, late, hit int
	all                         tally
}

// hidden counts the affected calls that one caller kept from its responses.
type hidden struct {
	impact.Hidden
	kind impact.Kind
	n    int
}

// tally counts calls.
type tally struct {
	failed int
	took   []time.Duration
}

func (t *tally) add(took time.Duration, failed bool) {
	t.took = append(t.took, took)
	if failed {
		t.failed++
	}
}

func (t *tally) traffic(over time.Duration) Traffic {
	n := len(t.took)
	out := Traffic{Requests: int64(n), P50: t.quantile(0.5), P95: t.quantile(0.95), P99: t.quantile(0.99)}
	if n > 0 {
		out.ErrorRatio = float64(t.failed) / float64(n)
	}
	if over > 0 {
		out.Rate = float64(n) / over.Seconds()
	}
	return out
}

// quantile is that of the graph, so that both show the same number.
func (t *tally) quantile(q float64) time.Duration { return servicegraph.Quantile(t.took, q) }

func summarize(f Fault, seen Seen) *summary {
	s := &summary{fault: f, seen: seen}
	for _, r := range seen.Requests {
		if o, ok := r.Of(f.ID); ok {
			s.add(r, o)
		}
	}
	for _, r := range seen.Requests {
		for _, served := range r.Served {
			if i := slices.IndexFunc(s.reached, func(x *reached) bool { return x.service == served.Service }); i >= 0 {
				s.reached[i].all.add(served.Took, served.Failed)
			}
		}
	}
	slices.SortStableFunc(s.reached, func(a, b *reached) int { return cmp.Compare(a.depth, b.depth) })
	slices.SortStableFunc(s.groups, func(a, b *group) int { return cmp.Compare(rank(a.kind), rank(b.kind)) })
	slices.SortStableFunc(s.hidden, func(a, b *hidden) int { return cmp.Compare(b.n, a.n) })
	return s
}

// rank orders kinds: orders first.
func rank(k impact.Kind) int {
	if i := slices.Index([]impact.Kind{impact.Orders, impact.Pages, impact.API}, k); i >= 0 {
		return i
	}
	return 3
}

func (s *summary) add(r impact.Request, o impact.Outcome) {
	s.calls += o.Calls
	s.hits += o.Hits
	i := slices.IndexFunc(s.groups, func(g *group) bool { return g.kind == r.Kind })
	if i < 0 {
		i = len(s.groups)
		s.groups = append(s.groups, &group{kind: r.Kind})
	}
	g := s.groups[i]
	if !slices.Contains(g.services, r.Service) {
		g.services = append(g.services, r.Service)
	}
	g.all.add(r.Took, r.Failed)
	if o.Hits > 0 {
		g.hit++
	}
	switch {
	case o.Failed:
		g.failed++
		if o.TimedOut {
			g.timedOut++
		}
	case o.Late > 0:
		g.late++
	}
	for depth, x := range o.Reached {
		s.reach(x, depth)
	}
	for _, h := range o.Hidden {
		s.hide(h, r.Kind)
	}
}

func (s *summary) reach(x impact.Reached, depth int) {
	i := slices.IndexFunc(s.reached, func(o *reached) bool { return o.service == x.Service })
	if i < 0 {
		i = len(s.reached)
		s.reached = append(s.reached, &reached{service: x.Service, depth: depth})
	}
	one := s.reached[i]
	one.depth = max(one.depth, depth)
	if x.Failed {
		one.failed++
	} else {
		one.late++
	}
}

func (s *summary) hide(h impact.Hidden, kind impact.Kind) {
	if h.How == impact.Retried {
		s.retried++
	}
	if h.How != impact.OffPath {
		kind = ""
	}
	i := slices.IndexFunc(s.hidden, func(o *hidden) bool { return o.Hidden == h && o.kind == kind })
	if i < 0 {
		i = len(s.hidden)
		s.hidden = append(s.hidden, &hidden{Hidden: h, kind: kind})
	}
	s.hidden[i].n++
}

// felt are the groups of requests that the fault reaches.
func (s *summary) felt() (felt []*group) {
	for _, g := range s.groups {
		if g.failed+g.late > 0 {
			felt = append(felt, g)
		}
	}
	return felt
}

// steps describe each service on the way, and the requests of users.
func (s *summary) steps() (steps []Step) {
	over := s.over()
	before := figuresOf(s.seen.Before)
	for _, r := range s.reached {
		step := Step{Service: r.service, Traffic: r.all.traffic(over), Effect: r.words()}
		if was := before.node(r.service); was.Requests > 0 {
			t := traffic(was)
			step.Before = &t
		}
		steps = append(steps, step)
	}
	for _, g := range s.felt() {
		steps = append(steps, Step{Service: string(g.kind), Traffic: g.all.traffic(over), Effect: g.words()})
	}
	return steps
}

// over is the time that the requests came in.
func (s *summary) over() time.Duration {
	if all := s.seen.Requests; len(all) > 0 {
		return max(time.Second, all[len(all)-1].Came.Sub(all[0].Came))
	}
	return 0
}
