package lesson

import (
	"context"
	"slices"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// again wants a round of looking now.
func (s *Session) again() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// rebase takes the baseline of a step that was entered without one. The time of entering stays.
func (s *Session) rebase(ctx context.Context, st *step, number int, entered time.Time) check.Baseline {
	base, err := s.prober.Baseline(ctx, entered)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && st.round == number {
		st.base, st.fresh = base, false
	}
	return st.base
}

// due returns the goals to look at: those that the learner can see, that are not reached, whose needs
// hold and whose time is not up.
func (s *Session) due(st *step) []*check.Goal {
	if !st.sees(format.CheckKind) {
		return nil
	}
	var due []*check.Goal
	for _, g := range st.goals {
		if g.Check.Answer == nil && !g.Passed() && !g.Rests() && st.waits(g) == "" {
			due = append(due, g)
		}
	}
	return due
}

// see takes a look into account and tells whether the goal is reached by it.
func (s *Session) see(st *step, g *check.Goal, r check.Result) bool {
	before := g.Last
	g.See(r, s.deps.Now())
	if g.Last != before || g.Check.For > 0 {
		s.changed()
	}
	if !g.Passed() {
		return false
	}
	s.reached(st, g)
	return true
}

// reached notes progress.
func (s *Session) reached(st *step, g *check.Goal) {
	if !slices.Contains(st.rec.Passed, g.Check.ID) {
		st.rec.Passed = append(st.rec.Passed, g.Check.ID)
	}
	st.moved = s.deps.Now()
	st.rec.Failed = 0
	s.finishStep(st)
	s.save()
	s.changed()
}

func (s *Session) finishStep(st *step) {
	if st.complete() && st.rec.Finished.IsZero() {
		st.rec.Finished = s.deps.Now()
	}
}

// attempt counts a try of the learner's, and whether it failed.
func (s *Session) attempt(st *step) {
	st.rec.Attempts++
	if st.passed() {
		st.rec.Failed = 0
	} else {
		st.rec.Failed++
	}
	s.save()
}

// nextRound waits until a round of looking that began after now is over. It hastens that round, but
// none after it.
func (s *Session) nextRound(ctx context.Context) error {
	s.again()
	s.mu.Lock()
	want := s.passes + 2 // the one under way may have begun before
	s.mu.Unlock()
	for {
		s.mu.Lock()
		passes, wait := s.passes, s.passed
		s.mu.Unlock()
		if passes >= want {
			return nil
		}
		if err := await(ctx, wait); err != nil {
			return err
		}
		s.again()
	}
}

// Refresh waits until every goal has been looked at anew, so that a Snapshot shows the shop as it is.
func (s *Session) Refresh(ctx context.Context) error { return s.nextRound(ctx) }

// anotherRound waits for the next round, whenever it comes.
func (s *Session) anotherRound(ctx context.Context) error {
	s.mu.Lock()
	wait := s.passed
	s.mu.Unlock()
	return await(ctx, wait)
}

func await(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Look looks once at any check, as proofs do; what is seen counts for nothing.
func (s *Session) Look(ctx context.Context, c *format.Check) check.Result {
	s.mu.Lock()
	base := s.steps[s.at].base
	s.mu.Unlock()
	return s.prober.Evaluate(ctx, c, base)
}
