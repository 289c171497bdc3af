package lesson

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/check"
)

const (
	// lookEvery is the time between two rounds of looking when nothing happens: for what no event tells,
	// such as the answer of a call or a metric.
	lookEvery = time.Second
	// calm is the least time between two looks that events ask for.
	calm = 250 * time.Millisecond
)

// looker looks at the goals of the current step: at all of them in rounds, and in between at those that
// something which happened in the shop may have decided. Looks run side by side, so that a call which
// takes long holds up no other verdict; one goal is never looked at twice at the same time, so that a
// slow answer is never followed by an older one. All but the looks themselves is one goroutine's.
type looker struct {
	s *Session
	// Looks that are under way belong to one entering of one step, and end with it.
	st     *step
	number int
	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup
	busy   map[*check.Goal]bool
	// stale are goals that are looked at and must be once more: the look may have begun too early.
	stale   map[*check.Goal]bool
	results chan looked
	// owed are the goals that the round under way still waits for.
	owed  map[*check.Goal]bool
	open  bool // a round is under way
	asked bool // by the learner, so that the round counts as an attempt
	more  bool // another round is wanted after this one
}

// looked is what a look came to.
type looked struct {
	st     *step
	number int
	goal   *check.Goal
	result check.Result
}

// look looks at goals until the session ends.
func (s *Session) look(ctx context.Context) {
	l := &looker{s: s, results: make(chan looked), busy: map[*check.Goal]bool{}, stale: map[*check.Goal]bool{}, owed: map[*check.Goal]bool{}}
	l.ctx, l.cancel = context.WithCancel(ctx)
	defer l.ended.Wait()
	defer func() { l.cancel() }()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var events Event
	var settled <-chan time.Time
	l.round(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.round(ctx)
		case <-s.wake:
			l.more = l.open
			l.round(ctx)
		case e := <-s.events:
			events |= e
			if settled == nil {
				settled = time.After(calm)
			}
		case <-settled:
			l.start(ctx, func(g *check.Goal) bool { return concerns(events, g.Check) })
			events, settled = 0, nil
		case r := <-l.results:
			l.take(ctx, r)
		}
	}
}

// round looks at all goals that are due. If a round waits for a slow one already, the others are looked
// at all the same.
func (l *looker) round(ctx context.Context) {
	if l.open {
		l.start(ctx, func(g *check.Goal) bool { return !l.busy[g] })
		return
	}
	l.open = true
	l.s.mu.Lock()
	l.asked, l.s.asked = l.s.asked, false
	done := l.s.done
	l.s.mu.Unlock()
	if done { // no goal waits any more; what does not hold is shown, and mended when the lesson is left
		_ = l.s.unsteady(ctx)
	}
	for _, g := range l.start(ctx, func(*check.Goal) bool { return true }) {
		l.owed[g] = true
	}
	l.finish(ctx)
}

// start begins looks at the due goals that are wanted, and returns those.
func (l *looker) start(ctx context.Context, wanted func(*check.Goal) bool) []*check.Goal {
	s := l.s
	s.mu.Lock()
	st := s.steps[s.at]
	number, base, entered, fresh := st.round, st.base, st.entered, st.fresh
	s.mu.Unlock()
	if st != l.st || number != l.number {
		l.cancel()
		l.ctx, l.cancel = context.WithCancel(ctx)
		l.st, l.number = st, number
	}
	if fresh {
		base = s.rebase(l.ctx, st, number, entered)
	}
	s.mu.Lock()
	due := slices.DeleteFunc(s.due(st), func(g *check.Goal) bool { return !wanted(g) })
	s.mu.Unlock()
	for _, g := range due {
		if l.busy[g] {
			l.stale[g] = true
			continue
		}
		l.busy[g] = true
		look := l.ctx
		l.ended.Go(func() {
			r := looked{st, number, g, s.prober.Evaluate(look, g.Check, base)}
			select {
			case l.results <- r:
			case <-ctx.Done():
			}
		})
	}
	return due
}

// take takes a look into account, unless its step has been left or begun anew meanwhile.
func (l *looker) take(ctx context.Context, r looked) {
	delete(l.busy, r.goal)
	l.s.mu.Lock()
	reached := r.st.round == r.number && r.st == l.s.steps[l.s.at] && l.s.see(r.st, r.goal, r.result)
	l.s.mu.Unlock()
	if l.stale[r.goal] {
		delete(l.stale, r.goal)
		l.start(ctx, func(g *check.Goal) bool { return g == r.goal })
	}
	if !l.busy[r.goal] {
		delete(l.owed, r.goal)
	}
	if reached { // others may have waited for it
		l.more = l.open
		l.round(ctx)
	}
	l.finish(ctx)
}

// finish ends the round when nothing is owed.
func (l *looker) finish(ctx context.Context) {
	if !l.open || len(l.owed) > 0 {
		return
	}
	l.open = false
	s := l.s
	s.mu.Lock()
	if st := s.steps[s.at]; l.asked && st == l.st && st.round == l.number {
		s.attempt(st)
		s.changed()
	}
	s.passes++
	close(s.passed)
	s.passed = make(chan struct{})
	s.mu.Unlock()
	if l.more {
		l.more = false
		l.round(ctx)
	}
}
