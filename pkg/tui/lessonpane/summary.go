package lessonpane

import (
	"fmt"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// roomyHeight is the height from which a pane lists the conditions of the steady state one by one.
const roomyHeight = 24

// steadyBefore is the steady state when the lesson was opened, above the first step.
func (p *Pane) steadyBefore(width int) []string {
	all := p.View.SteadyState
	if p.View.StepIndex > 0 || p.View.Done || len(all) == 0 {
		return nil
	}
	passed := 0
	for _, c := range all {
		if c.Verdict == lesson.Pass {
			passed++
		}
	}
	lines := p.state.HangPainted(p.label("Steady state")+"  ", p.state.Faint.Paint(fmt.Sprintf("%d of %d conditions hold", passed, len(all))), width)
	if !p.roomy {
		return lines
	}
	for _, c := range all {
		lines = append(lines, p.condition(c, width)...)
	}
	return lines
}

// condition is one line of the steady state, with what was expected and observed if it does not hold.
func (p *Pane) condition(c lesson.CheckView, width int) []string {
	box, tone := checkBox(p.state.Theme, c.Verdict)
	title := style.Clean(c.Title)
	if p.state.Linear && c.Verdict == lesson.Pass {
		title += " (holds)"
	} else if c.Verdict != lesson.Pass {
		title += " (does not hold)"
	}
	f := factList{state: p.state, width: width, lines: p.state.HangPainted("  "+tone.Paint(box), p.state.Faint.Paint(title), width)}
	if c.Verdict != lesson.Pass {
		f.add("expected", c.Expected)
		f.add("observed", c.Observed)
	}
	return f.lines
}

// summary is shown below the last step once the lesson is done: predictions, observations and truth step by step, and
// whether the shop is in its steady state.
func (p *Pane) summary(width int) []string {
	if !p.View.Done || p.View.Step.Next != "done" {
		return nil
	}
	var lines []string
	for i, s := range p.View.Steps {
		if s.Card == nil {
			continue
		}
		if lines == nil {
			lines = append(lines, p.label("Your predictions, and the results"))
		}
		lines = append(lines, p.state.HangPainted(p.state.Faint.Paint(fmt.Sprintf("%d  ", i+1)), style.Clean(s.Title), width)...)
		lines = append(lines, p.cardRows(s.Card, width)...)
	}
	return append(lines, p.steadyNow(width)...)
}

// cardRows is a card without its frame.
func (p *Pane) cardRows(c *lesson.Card, width int) []string {
	state := p.state
	predicted := c.Predicted
	if c.Confidence != "" {
		predicted += " (" + c.Confidence + ")"
	}
	tone := state.Bad
	word := "wrong"
	if c.Correct {
		tone, word = state.Good, "right"
	}
	var lines []string
	row := func(name, value, tail string) {
		if value != "" {
			lines = append(lines, state.HangPainted("   "+state.Faint.Paint(state.Fit(name, 15)), style.Clean(value)+tail, width)...)
		}
	}
	row("you predicted", predicted, tone.Paint(": "+word))
	row("you saw", c.Observed, "")
	row("it was", c.Truth, "")
	return lines
}

// steadyNow shows whether the steady state holds again.
func (p *Pane) steadyNow(width int) []string {
	all := p.View.SteadyState
	if len(all) == 0 {
		return nil
	}
	text := "holds again"
	for _, c := range all {
		if c.Verdict != lesson.Pass {
			text = "does not hold; leaving the lesson restores it"
		}
	}
	lines := append([]string{""}, p.state.HangPainted(p.label("Steady state")+"  ", p.state.Faint.Paint(text), width)...)
	for _, c := range all {
		lines = append(lines, p.condition(c, width)...)
	}
	return lines
}
