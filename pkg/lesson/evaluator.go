package lesson

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

const (
	// evaluateEvery is the time between two rounds without events: for what no event reports, such as the learner's
	// files.
	evaluateEvery = time.Second
	// debounce is the least time between two evaluations that events ask for.
	debounce = 250 * time.Millisecond
)

// evaluator evaluates the goals of the current step: all of them in rounds, and in between those that an event in
// the shop concerns. Evaluations run concurrently, so that a call which takes long holds up no other verdict; a goal
// is never evaluated twice at the same time, so that a late result never replaces a newer one. The state here belongs
// to one goroutine, which makes no calls itself.
type evaluator struct {
	s *Session
	// st and number are the step that was entered last, and its entering.
	st     *step
	number int
	ended  sync.WaitGroup
	// busy are the goals under evaluation, with what cancels it.
	busy map[*check.Goal]context.CancelFunc
	// dirty are busy goals to be evaluated again: the evaluation may have begun too early.
	dirty   map[*check.Goal]bool
	results chan evaluated
	// pending are the goals that the open round waits for.
	pending map[*check.Goal]bool
	open    bool
	// requested is whether the learner asked for the round, so that it counts as an attempt.
	requested bool
	// another round is wanted after this one.
	another bool
	// steady is whether the steady state is being evaluated; a round waits for that, too.
	steady     bool
	steadyDone chan struct{}
}

// evaluated is the result of one goal in one entering of its step.
type evaluated struct {
	st     *step
	number int
	goal   *check.Goal
	result probe.Result
}

func newEvaluator(s *Session) *evaluator {
	return &evaluator{
		s: s, results: make(chan evaluated), steadyDone: make(chan struct{}),
		busy: map[*check.Goal]context.CancelFunc{}, dirty: map[*check.Goal]bool{}, pending: map[*check.Goal]bool{},
	}
}

// run evaluates goals until ctx ends.
func (e *evaluator) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer e.ended.Wait()
	defer cancel()
	ticker := time.NewTicker(evaluateEvery)
	defer ticker.Stop()
	var events Event
	var settled <-chan time.Time
	e.round(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.round(ctx)
		case <-e.s.wake:
			e.another = e.open
			e.round(ctx)
		case event := <-e.s.events:
			events |= event
			if settled == nil {
				settled = time.After(debounce)
			}
		case <-settled:
			e.start(ctx, func(g *check.Goal) bool { return concerns(events, g.Check) })
			events, settled = 0, nil
		case r := <-e.results:
			e.apply(ctx, r)
		case <-e.steadyDone:
			e.steady = false
			e.finish(ctx)
		}
	}
}

// round evaluates all goals that are due. If a round waits for a slow one already, the others are evaluated all the
// same.
func (e *evaluator) round(ctx context.Context) {
	if e.open {
		e.start(ctx, func(g *check.Goal) bool { return e.busy[g] == nil })
		return
	}
	e.open = true
	e.s.mu.Lock()
	e.requested, e.s.requested = e.s.requested, false
	done := e.s.done
	e.s.mu.Unlock()
	if done { // no goal is left; what does not hold of the steady state is shown, and restored on leaving
		e.startSteady(ctx)
	}
	for _, g := range e.start(ctx, func(*check.Goal) bool { return true }) {
		e.pending[g] = true
	}
	e.finish(ctx)
}

func (e *evaluator) startSteady(ctx context.Context) {
	e.steady = true
	e.ended.Go(func() {
		_ = e.s.unsteady(ctx)
		select {
		case e.steadyDone <- struct{}{}:
		case <-ctx.Done():
		}
	})
}

// start evaluates the due goals that are wanted, and returns them.
func (e *evaluator) start(ctx context.Context, wanted func(*check.Goal) bool) []*check.Goal {
	s := e.s
	s.mu.Lock()
	st := s.steps[s.at]
	number, base := st.number, st.base
	due := slices.DeleteFunc(s.due(st), func(g *check.Goal) bool { return !wanted(g) })
	s.mu.Unlock()
	if st != e.st || number != e.number {
		for _, cancel := range e.busy {
			cancel()
		}
		e.st, e.number = st, number
		// The goals may be asked for only after the run, which changes what a baseline holds.
		e.ended.Go(func() { base.get(ctx, s.env) })
	}
	for _, g := range due {
		if e.busy[g] != nil {
			e.dirty[g] = true
			continue
		}
		ctx, cancel := context.WithCancel(ctx)
		e.busy[g] = cancel
		e.ended.Go(func() {
			defer cancel()
			r := evaluated{st, number, g, check.Evaluate(ctx, s.env, g.Check, base.get(ctx, s.env))}
			select {
			case e.results <- r:
			case <-s.closing:
			}
		})
	}
	return due
}

// apply takes a result into account, unless its step has been left or restarted meanwhile.
func (e *evaluator) apply(ctx context.Context, r evaluated) {
	delete(e.busy, r.goal)
	e.s.mu.Lock()
	reached := r.st.number == r.number && r.st == e.s.steps[e.s.at] && e.s.apply(r.st, r.goal, r.result)
	e.s.mu.Unlock()
	if e.dirty[r.goal] {
		delete(e.dirty, r.goal)
		e.start(ctx, func(g *check.Goal) bool { return g == r.goal })
	}
	if e.busy[r.goal] == nil {
		delete(e.pending, r.goal)
	}
	if reached { // other goals may have waited for this one
		e.another = e.open
		e.round(ctx)
	}
	e.finish(ctx)
}

// finish ends the round when it waits for nothing more.
func (e *evaluator) finish(ctx context.Context) {
	if !e.open || e.steady || len(e.pending) > 0 {
		return
	}
	e.open = false
	s := e.s
	s.mu.Lock()
	if st := s.steps[s.at]; e.requested && st == e.st && st.number == e.number {
		s.attempt(st)
		s.changed()
	}
	s.rounds++
	s.mu.Unlock()
	s.roundEnded.Notify()
	if e.another {
		e.another = false
		e.round(ctx)
	}
}
