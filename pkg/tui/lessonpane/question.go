package lessonpane

import (
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson"
)

// Question is the open question.
type Question struct {
	Kind    lesson.BlockKind
	Check   string // id of the goal that an answer is for
	text    string
	Options []lesson.Option
	Unit    string
	// AsksConfidence is true if the answer includes how sure the learner is.
	AsksConfidence bool
}

// Question returns the question that is open now; ok is false if there is none.
func (p *Pane) Question() (q Question, ok bool) {
	switch p.View.Step.Next {
	case "predict":
		if b, ok := p.Block(lesson.PredictBlock); ok {
			return Question{Kind: b.Kind, text: b.Predict.Question, Options: b.Predict.Options, AsksConfidence: b.Predict.AsksConfidence}, true
		}
	case "observe":
		if b, ok := p.Block(lesson.ObserveBlock); ok {
			return Question{Kind: b.Kind, text: b.Observe.Question, Options: b.Observe.Options, Unit: b.Observe.Unit}, true
		}
	case "answer":
		b, _ := p.Block(lesson.CheckBlock)
		for _, c := range b.Checks {
			if answerable(c) {
				return Question{Kind: b.Kind, Check: c.ID, text: c.Question, Options: c.Options, Unit: c.Unit}, true
			}
		}
	}
	return Question{}, false
}

// answerable reports whether c asks a question that is open and does not wait for another goal.
func answerable(c lesson.CheckView) bool {
	return c.Question != "" && c.Verdict != lesson.Pass && !strings.HasPrefix(c.Message, "waits for")
}

// Asks reports whether the open question is in view, so that a digit answers it. Before the pane was drawn, all is.
func (p *Pane) Asks() bool {
	from, to := p.asked[0], p.asked[1]
	return p.scroll.Height == 0 || from < to && from < p.scroll.Top+p.scroll.Height && to > p.scroll.Top
}

// whatNext is the line below the step: the key that leads on.
func (p *Pane) whatNext() string {
	q, open := p.Question()
	switch {
	case p.View.Done:
		return p.state.Say("The lesson is done. q leaves it, and restores the shop.")
	case open && p.Picked >= 0:
		return p.state.Say("How sure are you? 1 guess, 2 fairly, 3 sure")
	case open && len(q.Options) > 0:
		return p.state.Say("Choose with the number keys.")
	case open:
		return p.state.Say("enter: type your answer")
	}
	run, _ := p.Block(lesson.RunBlock)
	switch p.View.Step.Next {
	case "run":
		if run.Run != nil && run.Run.Running {
			return ""
		}
		return p.state.Say("e: run the command")
	case "check":
		return p.state.Say("The goals are checked continuously; c checks them now.")
	case "next":
		return p.state.Say("n: next step")
	case "done":
		return p.state.Say("n: end the lesson")
	}
	return ""
}
