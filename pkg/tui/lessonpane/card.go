package lessonpane

import (
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// factColumn is the width of the names of a card's facts, in cells.
const factColumn = 15

// cardAfter is the block below which the card stands: the last that the learner has to do with it. It is empty while
// nothing may be shown.
func (p *Pane) cardAfter() lesson.BlockKind {
	c := p.View.Step.Card
	if c == nil || !c.Revealed {
		return ""
	}
	for _, kind := range []lesson.BlockKind{lesson.ObserveBlock, lesson.RunBlock, lesson.PredictBlock} {
		if _, ok := p.Block(kind); ok {
			return kind
		}
	}
	return ""
}

// revealed reports whether the outcome of the step's prediction is shown.
func revealed(v lesson.View) bool { return v.Step.Card != nil && v.Step.Card.Revealed }

// card shows a prediction and its outcome in one place: which option is right, what the run measured, and the replies.
func (p *Pane) card(c *lesson.Card, width int) []string {
	state := p.state
	tone, word := state.Bad, state.Say("not as you predicted")
	symbol := state.Broken
	if c.Correct {
		tone, word, symbol = state.Good, state.Say("as you predicted"), state.OK
	}
	if state.Linear || width <= 20 {
		lines := append([]string{tone.Paint(word)}, p.cardFacts(c, width)...)
		return append(lines, p.cardReplies(c, width)...)
	}
	inner := width - 4
	facts := p.cardFacts(c, inner)
	lines := state.Box(style.Panel{Title: tone.Paint(symbol + " " + word), Lines: facts}, width, len(facts)+2)
	return append(lines, p.cardReplies(c, width)...)
}

// cardFacts are the lines of a card: the two questions, each with the learner's answer and the right one.
func (p *Pane) cardFacts(c *lesson.Card, width int) []string {
	state := p.state
	var lines []string
	row := func(name, value string, tone style.Tone) {
		if value == "" {
			return
		}
		name = state.Say(name) + " "
		lines = append(lines, state.HangPainted(state.Faint.Paint(state.Fit(name, max(factColumn, style.Width(name)))), tone.Paint(style.Clean(value)), max(width, 1))...)
	}
	ask := func(question string) {
		lines = append(lines, p.prose(question, max(width, 1))...)
	}
	predicted := c.Predicted
	if c.Confidence != "" {
		predicted += " (" + state.Say(c.Confidence) + ")"
	}
	ask(c.Question)
	if c.Revealed && c.Correct {
		row("you predicted", predicted, state.Good)
	} else {
		row("you predicted", predicted, style.Tone{})
	}
	if c.Revealed && !c.Correct {
		row("right is", c.Right, state.Bold)
	}
	if c.Observed == "" {
		return lines
	}
	if c.Asked != c.Question {
		ask(c.Asked)
	}
	tone, _ := p.verdict(c.Verdict)
	row("you saw", c.Observed, tone)
	if c.Measured {
		row("measured", c.Truth, state.Bold)
	} else {
		row("to be expected", c.Truth, state.Bold)
	}
	return lines
}

// cardReplies are the lesson's replies: to the option that was chosen, and to the observation.
func (p *Pane) cardReplies(c *lesson.Card, width int) []string {
	var lines []string
	if c.Reply != "" {
		lines = p.verdictLines(right(c.Correct), c.Reply, width)
	}
	if c.Feedback != "" {
		lines = append(lines, p.verdictLines(c.Verdict, c.Feedback, width)...)
	}
	return lines
}
