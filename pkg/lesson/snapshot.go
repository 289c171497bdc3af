package lesson

import (
	"maps"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// Snapshot returns the session as it is now.
func (s *Session) Snapshot() View {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.steps[s.at]
	v := View{
		Lesson: s.lesson.ID, Title: s.lesson.Title, Track: s.lesson.Track, Language: s.lesson.Language,
		StepIndex: s.at, StepCount: len(s.steps),
		Step: StepView{ID: st.def.ID, Title: st.def.Title, Locked: s.locked(st), Next: s.next(st), Card: st.card()},
		Done: s.done, Message: s.message, SteadyState: s.steadyView(), Workspace: s.deps.Workspace, Files: slices.Sorted(maps.Keys(s.lesson.Files)),
	}
	for _, other := range s.steps {
		v.Steps = append(v.Steps, StepSummary{ID: other.def.ID, Title: other.def.Title, Done: !other.rec.Finished.IsZero(), Card: other.card()})
	}
	for _, b := range st.visible() {
		v.Step.Blocks = append(v.Step.Blocks, s.block(st, b))
	}
	return v
}

// next names what the learner can do now.
func (s *Session) next(st *step) string {
	ran := st.run.ran || st.def.Block(format.RunKind) == nil
	switch {
	case !st.predicted():
		return "predict"
	case !st.observed() && !ran:
		return "run"
	case !st.observed():
		return "observe"
	case st.passed():
		if s.at == len(s.steps)-1 {
			return "done"
		}
		return "next"
	case !ran && st.def.Block(format.ObserveKind) == nil:
		return "run"
	case s.unanswered(st) != nil:
		return "answer"
	case !ran:
		return "run"
	}
	return "check"
}

// unanswered returns the first question that can be answered and is not, nil if there is none.
func (s *Session) unanswered(st *step) *check.Goal {
	for _, g := range st.goals {
		if g.Check.Answer != nil && !g.Passed() && st.waits(g) == "" {
			return g
		}
	}
	return nil
}

func (s *Session) block(st *step, b format.Block) BlockView {
	v := BlockView{Kind: b.Kind, Markdown: b.Markdown}
	switch b.Kind {
	case PredictBlock:
		v.Predict = predictView(st, b.Predict)
	case RunBlock:
		why := whyNotRun(st)
		v.Run = &RunView{
			Command: b.Run.Text, Enabled: why == "", WhyNot: why, Running: st.run.running, Ran: st.run.ran,
			Output: st.run.output, ExitCode: st.run.exit, Took: st.run.took,
		}
	case ObserveBlock:
		v.Observe = observeView(st, b.Observe)
	case CheckBlock:
		for _, g := range st.goals {
			v.Checks = append(v.Checks, s.checkView(st, g))
		}
	case HintsBlock:
		v.Hints = s.hints(st)
	case RecallBlock:
		var lines []string
		for _, q := range b.Recall {
			lines = append(lines, "* "+q.Ask)
		}
		v.Markdown = strings.Join(lines, "\n")
	}
	return v
}

func predictView(st *step, p *format.Predict) *PredictView {
	v := &PredictView{Question: p.Question, Chosen: st.rec.Prediction, Confidence: st.rec.Confidence, AsksConfidence: p.Confidence == nil || *p.Confidence}
	// The outcome is revealed once it was observed: earlier it would spare the observation.
	v.Revealed = v.Chosen != "" && st.observed() && (st.run.ran || st.rec.Observation != "")
	for _, o := range p.Options {
		shown := Option{ID: o.ID, Say: o.Say}
		if v.Revealed {
			shown.Reply, shown.Correct = o.Reply, o.Correct
			if o.ID == v.Chosen {
				v.Reply, v.Correct = o.Reply, o.Correct
			}
			if o.Correct {
				v.Right = o.Say
			}
		}
		v.Options = append(v.Options, shown)
	}
	return v
}

func observeView(st *step, o *format.Observe) *ObserveView {
	v := &ObserveView{Question: o.Question, Kind: string(o.Kind), Unit: o.Unit, Answer: st.rec.Observation, Verdict: Pending}
	for _, opt := range o.Options {
		v.Options = append(v.Options, Option{ID: opt.ID, Say: opt.Say})
	}
	if p := st.def.Block(format.PredictKind); p != nil {
		if chosen := check.PickOption(p.Predict.Options, st.rec.Prediction); chosen != nil {
			v.Predicted = chosen.Say
			if st.rec.Confidence != "" {
				v.Predicted += " (" + st.rec.Confidence + ")"
			}
		}
	}
	if v.Answer == "" {
		return v
	}
	v.Revealed, v.Truth, v.Measured = true, st.rec.Truth, st.rec.Measured
	if o.Kind == format.OptionAnswer {
		if picked := check.PickOption(o.Options, v.Answer); picked != nil {
			v.Answer, v.Reply = picked.Say, picked.Reply
		}
	}
	switch right := st.rec.Observed; {
	case right == nil:
		v.Verdict = Inconclusive
	case *right:
		v.Verdict = Pass
		v.Reply = first(v.Reply, o.Right)
	default:
		v.Verdict = Fail
		v.Reply = first(v.Reply, o.Wrong)
	}
	return v
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func (s *Session) checkView(st *step, g *check.Goal) CheckView {
	c := g.Check
	v := CheckView{
		ID: c.ID, Title: c.Title, Kind: c.Kind(), Verdict: g.Last.Verdict,
		Expected: g.Last.Expected, Observed: g.Last.Observed, Look: g.Last.Look, Message: g.Last.Message, Evidence: g.Last.Evidence,
		Held: g.Held(s.deps.Now()), For: c.For,
	}
	if c.Answer != nil {
		v.Question, v.Unit, v.Given = c.Answer.Question, c.Answer.Unit, st.rec.Answers[c.ID]
		for _, o := range c.Answer.Options {
			v.Options = append(v.Options, Option{ID: o.ID, Say: o.Say})
		}
	}
	if g.Passed() {
		return v
	}
	if v.Tried = st.tried(s.deps.Now()); !v.Tried && v.Verdict != BrokenSetup {
		v.Look, v.Message = "", ""
		if v.Verdict == Fail {
			v.Verdict = Pending
		}
	}
	if need := st.waits(g); need != "" {
		v.Verdict, v.Message = Pending, "waits for: "+st.goal(need).Check.Title
	} else if g.TimedOut() && v.Message == "" {
		v.Message = "Not reached in " + humanize.Span(c.Timeout) + "; check it again."
	}
	return v
}
