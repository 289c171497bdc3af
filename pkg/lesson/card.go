package lesson

import (
	"context"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// card has prediction, observation and truth of a step side by side; nil until there is a prediction.
func (st *step) card() *Card {
	b := st.def.Block(format.PredictKind)
	if b == nil || st.rec.Prediction == "" {
		return nil
	}
	p := predictView(st, b.Predict)
	c := &Card{Question: p.Question, Confidence: p.Confidence, Revealed: p.Revealed, Correct: p.Correct, Right: p.Right, Reply: p.Reply}
	if o := check.PickOption(b.Predict.Options, st.rec.Prediction); o != nil {
		c.Predicted = o.Say
	}
	if b := st.def.Block(format.ObserveKind); b != nil && st.rec.Observation != "" {
		v := observeView(st, b.Observe)
		unit := ""
		if b.Observe.Kind == format.NumberAnswer {
			unit = " " + v.Unit
		}
		c.Asked, c.Observed, c.Verdict = v.Question, strings.TrimSpace(v.Answer+unit), v.Verdict
		c.Truth, c.Measured, c.Feedback = v.Truth, v.Measured, v.Reply
	}
	return c
}

// steadyView is the latest result of the steady state.
func (s *Session) steadyView() []CheckView {
	var views []CheckView
	for i, r := range s.steadySeen {
		c := &s.lesson.SteadyState[i]
		views = append(views, CheckView{
			ID: c.ID, Title: c.Title, Kind: c.Kind(), Verdict: r.Verdict, Expected: r.Expected, Observed: r.Observed,
			Look: r.Look, Message: r.Message, Evidence: r.Evidence,
		})
	}
	return views
}

// unsteady evaluates the whole steady state, and returns the first check that does not pass; nil if all do.
func (s *Session) unsteady(ctx context.Context) error {
	var first error
	seen := make([]probe.Result, len(s.lesson.SteadyState))
	for i := range s.lesson.SteadyState {
		c := &s.lesson.SteadyState[i]
		seen[i] = check.Evaluate(ctx, s.env, c, probe.Baseline{})
		if seen[i].Verdict != Pass && first == nil {
			first = &Unsteady{Check: *c, Result: seen[i]}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() == nil && !slices.Equal(seen, s.steadySeen) {
		s.steadySeen = seen
		s.changed()
	}
	return first
}
