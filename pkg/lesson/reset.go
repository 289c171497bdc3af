package lesson

import (
	"context"
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/progress"
)

// Reset restarts the current step: the shop and the workspace as they were, and nothing predicted, observed or
// answered. It is the way out of a broken setup.
func (s *Session) Reset(ctx context.Context) error {
	if !s.running.TryLock() {
		return fmt.Errorf("reset: a command is still running")
	}
	defer s.running.Unlock()
	if err := s.do(func(*step) error { return nil }); err != nil {
		return err
	}
	if err := s.journal.Rollback(ctx); err != nil {
		return err
	}
	kept, err := resetWorkspace(s.lesson, s.deps.Workspace, s.deps.Now())
	if err != nil {
		return err
	}
	if err := s.steady(ctx, steadyAfter); err != nil {
		return fmt.Errorf("restore the shop: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.steps[s.at]
	// Attempts and hints stay: they show how hard the step was.
	*st.rec = progress.Step{Started: st.rec.Started, Attempts: st.rec.Attempts, Hints: st.rec.Hints}
	st.run = run{}
	st.makeGoals()
	s.begin(st, s.deps.Now())
	s.message = "The step restarts; the shop is as it was."
	if len(kept) > 0 {
		s.message += " Your files are kept as " + strings.Join(kept, ", ") + "."
	}
	s.save()
	s.changed()
	s.requestRound()
	return nil
}
