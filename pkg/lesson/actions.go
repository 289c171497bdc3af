package lesson

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/progress"
	"github.com/shopctl/shopctl/pkg/lesson/review"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// do runs an action on the current step, with the session locked. It fails once the session is closed.
func (s *Session) do(action func(*step) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.message = ""
	return action(s.steps[s.at])
}

// Predict records what the learner expects: an option's id, text or number from 1, and how sure they are.
// A prediction cannot be changed; it unlocks the run.
func (s *Session) Predict(option, confidence string) error {
	return s.do(func(st *step) error {
		b := st.def.Block(format.PredictKind)
		switch {
		case b == nil:
			return errors.New("predict: this step has no prediction")
		case st.rec.Prediction != "":
			return errors.New("predict: the prediction was made already; see what happens")
		}
		p := b.Predict
		o := check.PickOption(p.Options, option)
		if o == nil {
			ids := make([]string, len(p.Options))
			for i, o := range p.Options {
				ids[i] = o.ID
			}
			return fmt.Errorf("predict: unknown option %q%s", option, strictyaml.DidYouMean(option, ids))
		}
		if p.Confidence == nil || *p.Confidence {
			if !slices.Contains(Confidences(), confidence) {
				return fmt.Errorf("predict: how sure? want %s, got %q", strictyaml.Or(Confidences()), confidence)
			}
			st.rec.Confidence = confidence
		}
		correct := o.Correct
		st.rec.Prediction, st.rec.Predicted = o.ID, &correct
		s.progressed(st)
		return nil
	})
}

// Observe records what the learner saw, before the text explains it. It cannot be changed, right or wrong; the truth
// is shown beside it.
func (s *Session) Observe(answer string) error {
	return s.do(func(st *step) error {
		b := st.def.Block(format.ObserveKind)
		answer = strings.TrimSpace(answer)
		switch {
		case b == nil:
			return errors.New("observe: this step has no observation")
		case !st.predicted():
			return errors.New("observe: predict first")
		case st.rec.Observation != "":
			return errors.New("observe: the observation was recorded already")
		case answer == "":
			return errors.New("observe: enter what you saw")
		case b.Observe.Kind == format.OptionAnswer:
			o := check.PickOption(b.Observe.Options, answer)
			if o == nil {
				return fmt.Errorf("observe: %q is not one of the options", answer)
			}
			answer = o.ID
		case b.Observe.Kind == format.NumberAnswer:
			if answer = inUnit(answer, b.Observe.Unit); !check.IsNumber(answer) {
				return fmt.Errorf("observe: %q is not a number", answer)
			}
		}
		measured := st.truth(b.Observe)
		verdict, truth := check.Saw(b.Observe, answer, measured)
		st.rec.Observation, st.rec.Truth, st.rec.Measured = answer, truth, measured != "" && b.Observe.Kind != format.OptionAnswer
		if verdict != Inconclusive {
			right := verdict == Pass
			st.rec.Observed = &right
		}
		s.progressed(st)
		s.requestRound()
		return nil
	})
}

// progressed records that the learner went on within the step.
func (s *Session) progressed(st *step) {
	st.moved = s.deps.Now()
	st.show(st.moved)
	s.finishStep(st)
	s.save()
	s.changed()
}

// Answer answers a check's question. A wrong answer is not an error: the check replies to it.
func (s *Session) Answer(checkID, text string) error {
	return s.do(func(st *step) error {
		g := st.goal(checkID)
		switch {
		case g == nil || g.Check.Answer == nil:
			return fmt.Errorf("answer %s: this step has no such question", checkID)
		case !st.sees(format.CheckKind):
			return fmt.Errorf("answer %s: predict and observe first", checkID)
		case g.Passed():
			return fmt.Errorf("answer %s: it was answered already", checkID)
		case st.waits(g) != "":
			return fmt.Errorf("answer %s: %q comes first", checkID, st.goal(st.waits(g)).Check.Title)
		case strings.TrimSpace(text) == "":
			return fmt.Errorf("answer %s: the answer is empty", checkID)
		}
		if st.rec.Answers == nil {
			st.rec.Answers = map[string]string{}
		}
		st.rec.Answers[checkID] = strings.TrimSpace(text)
		reached := s.apply(st, g, check.Judge(g.Check.Answer, text))
		st.rec.Attempts++
		if reached {
			st.rec.Failed = 0
		} else {
			st.rec.Failed++
		}
		s.save()
		s.changed()
		s.requestRound()
		return nil
	})
}

// Check has the goals evaluated now, and counts as an attempt. The verdicts follow as a change.
func (s *Session) Check() error {
	return s.do(func(st *step) error {
		switch {
		case len(st.goals) == 0:
			return errors.New("check: this step has no goals")
		case !st.sees(format.CheckKind):
			return errors.New("check: predict and observe first")
		}
		for _, g := range st.goals {
			g.Restart()
		}
		s.requested = true
		s.requestRound()
		return nil
	})
}

// hintAfter is how long the next hint stays closed without an attempt; stuckAfter and stuckFailures when
// one is offered.
const (
	hintAfter     = 30 * time.Second
	stuckAfter    = 90 * time.Second
	stuckFailures = 2
)

// Hint opens the next hint, once the learner has tried something since the last one, or waited.
func (s *Session) Hint() error {
	return s.do(func(st *step) error {
		v := s.hints(st)
		if v == nil {
			return errors.New("hint: this step has no hints")
		}
		if v.WhyNot != "" {
			return errors.New("hint: " + v.WhyNot)
		}
		st.rec.Hints++
		st.hinted, st.attempts = s.deps.Now(), st.rec.Attempts
		s.save()
		s.changed()
		return nil
	})
}

// hints returns the state of the ladder; nil if the step has none, or not yet.
func (s *Session) hints(st *step) *HintsView {
	b := st.def.Block(format.HintsKind)
	if b == nil || !st.sees(format.HintsKind) {
		return nil
	}
	rungs := b.Hints.Rungs()
	opened := min(st.rec.Hints, len(rungs))
	v := &HintsView{Total: len(rungs), Opened: rungs[:opened]}
	now := s.deps.Now()
	if st.rec.Attempts == st.attempts {
		v.NextIn = max(hintAfter-now.Sub(st.hinted), 0)
	}
	switch {
	case opened == len(rungs):
		v.WhyNot, v.NextIn = "all hints are open", 0
	case st.complete():
		v.WhyNot, v.NextIn = "the goals of this step are reached", 0
	case v.NextIn > 0:
		v.WhyNot = fmt.Sprintf("try something first, or wait %ds", int((v.NextIn+time.Second-1)/time.Second))
	}
	v.Offered = v.WhyNot == "" && (st.rec.Failed >= stuckFailures || now.Sub(st.moved) >= stuckAfter)
	return v
}

// Next goes to the next step, or ends the lesson after the last one. It fails while part of this
// step is open.
func (s *Session) Next() error {
	return s.do(func(st *step) error {
		if locked := s.locked(st); locked != "" {
			return errors.New("next: " + locked)
		}
		s.finishStep(st)
		if s.at+1 < len(s.steps) {
			s.move(s.at + 1)
			return nil
		}
		s.finish()
		return nil
	})
}

// locked is why the next step cannot be entered; empty if it can.
func (s *Session) locked(st *step) string {
	switch {
	case st.run.running:
		return "the command is still running"
	case !st.predicted():
		return "predict first"
	case !st.observed():
		return "say what you saw"
	}
	if g := st.open(); g != nil {
		return "not reached yet: " + g.Check.Title
	}
	return ""
}

func (s *Session) finish() {
	now := s.deps.Now()
	s.done = true
	if s.record.Status != progress.Done {
		s.record.Status, s.record.Finished = progress.Done, now
	}
	if s.record.Review == nil {
		s.record.Review = map[string]progress.Recall{}
	}
	for _, q := range s.lesson.Recall() {
		if _, asked := s.record.Review[q.ID]; !asked {
			s.record.Review[q.ID] = review.New(now)
		}
	}
	s.message = "The lesson is done."
	s.save()
	s.changed()
}

// Prev goes to the step before.
func (s *Session) Prev() error {
	return s.do(func(_ *step) error {
		if s.at == 0 {
			return errors.New("previous: this is the first step")
		}
		s.move(s.at - 1)
		return nil
	})
}

// Goto goes to any step.
func (s *Session) Goto(id string) error {
	return s.do(func(_ *step) error {
		i := s.lesson.Step(id)
		if i < 0 {
			return fmt.Errorf("go to step: unknown step %q%s", id, strictyaml.DidYouMean(id, stepIDs(s.lesson)))
		}
		if i != s.at {
			s.move(i)
		}
		return nil
	})
}

func (s *Session) move(to int) {
	s.at = to
	s.begin(s.steps[to], s.deps.Now())
	s.save()
	s.changed()
	s.requestRound()
}
