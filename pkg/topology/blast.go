package topology

import (
	"slices"
	"time"

	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
)

// Fault is an active fault.
type Fault struct {
	ID, Service string
	// Phrase describes it: "UNAVAILABLE 50%".
	Phrase string
	// Delay that it adds to calls, if any.
	Delay time.Duration
}

// Blast is the blast radius of a fault.
type Blast struct {
	Service, FaultID string
	// Sentence is "payment UNAVAILABLE 50% -> checkout errors 48% -> 47% of orders fail".
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

// BlastOf finds the blast radius of a fault: from the service that is broken up along the calls to it, as far as errors or
// latencies differ from before, to what users experience. now is the time since the fault began, or the last part of it;
// before is a time without it, and without requests if nothing was measured then.
func BlastOf(f Fault, now, before servicegraph.Snapshot) Blast {
	w := newWalk(f, now, before)
	return Blast{Service: f.Service, FaultID: f.ID, Sentence: w.sentence(), Steps: w.result()}
}

// step is a service that the fault reaches, or users.
type step struct {
	service string
	// to is the callee, where the responses of the service are as before.
	to          string
	now, before servicegraph.Traffic
	effect      effect
}

// walk goes up from a fault.
type walk struct {
	fault       Fault
	now, before figures
	// reached are callers that the fault reaches; stopped are those whose calls it reaches, but not their responses.
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
			if responses := w.compare(is, was); responses.none() {
				w.stopped = append(w.stopped, step{e.Caller, service, e.Traffic, w.before.edge(e.Caller, service), calls})
			} else {
				w.reached = append(w.reached, step{e.Caller, "", is, was, responses})
				next = append(next, e.Caller)
			}
		}
	}
	return next
}

// users are the steps at which the fault reaches users: their orders, and their other requests.
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

// beyondOrders reports whether the entry service calls what the fault reaches for more than orders. Unrelated pages may be
// slower for other reasons.
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

// reaches reports whether the fault changed the responses of a service, or the calls below it: where one kind of request
// of many fails, the whole may look as before.
func (w *walk) reaches(service string) bool {
	is := func(s step) bool { return s.service == service }
	return slices.ContainsFunc(w.reached, is) || slices.ContainsFunc(w.stopped, is)
}

func (w *walk) result() []Step {
	var steps []Step
	for _, s := range slices.Concat(w.reached, w.stopped, w.felt) {
		r := Step{Service: s.service, Traffic: traffic(s.now), Effect: w.words(s)}
		if s.before.Requests > 0 {
			before := traffic(s.before)
			r.Before = &before
		}
		steps = append(steps, r)
	}
	return steps
}
