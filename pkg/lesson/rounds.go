package lesson

import (
	"context"
	"slices"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// requestRound has all goals evaluated now.
func (s *Session) requestRound() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// due returns the goals to evaluate: those that the learner can see, that are not reached or timed out, and whose
// needs hold.
func (s *Session) due(st *step) []*check.Goal {
	if !st.sees(format.CheckKind) {
		return nil
	}
	var due []*check.Goal
	for _, g := range st.goals {
		if g.Check.Answer == nil && !g.Passed() && !g.TimedOut() && st.waits(g) == "" {
			due = append(due, g)
		}
	}
	return due
}

// apply takes a result into account and reports whether it reaches the goal.
func (s *Session) apply(st *step, g *check.Goal, r probe.Result) bool {
	before := g.Last
	g.Apply(r, s.deps.Now())
	if g.Last != before || g.Check.For > 0 {
		s.changed()
	}
	if !g.Passed() {
		return false
	}
	s.reached(st, g)
	return true
}

// reached records that a goal is reached.
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

// attempt counts an attempt of the learner, and whether it failed.
func (s *Session) attempt(st *step) {
	st.rec.Attempts++
	if st.passed() {
		st.rec.Failed = 0
	} else {
		st.rec.Failed++
	}
	s.save()
}

// nextRound waits for the end of a round that began after now. It hastens that round, but none after it.
func (s *Session) nextRound(ctx context.Context) error {
	s.requestRound()
	s.mu.Lock()
	want := s.rounds + 2 // the one under way may have begun before
	s.mu.Unlock()
	for {
		ended := s.roundEnded.Wait()
		s.mu.Lock()
		rounds := s.rounds
		s.mu.Unlock()
		if rounds >= want {
			return nil
		}
		if err := await(ctx, ended); err != nil {
			return err
		}
		s.requestRound()
	}
}

// Refresh waits until every goal has been evaluated again, so that a Snapshot shows the shop as it is.
func (s *Session) Refresh(ctx context.Context) error { return s.nextRound(ctx) }

func await(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Evaluate evaluates any check once, as package verify does; the result counts for nothing.
func (s *Session) Evaluate(ctx context.Context, c *format.Check) probe.Result {
	s.mu.Lock()
	base := s.steps[s.at].base
	s.mu.Unlock()
	return check.Evaluate(ctx, s.env, c, base.get(ctx, s.env))
}
