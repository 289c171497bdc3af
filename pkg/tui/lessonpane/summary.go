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
	lines := p.state.HangPainted(p.label("Steady state")+"  ", p.state.Faint.Paint(p.state.Sayf("%d of %d conditions hold", passed, len(all))), width)
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
		title += " (" + p.state.Say("holds") + ")"
	} else if c.Verdict != lesson.Pass {
		title += " (" + p.state.Say("does not hold") + ")"
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
	const indent = "   "
	tone, word := p.state.Bad, "not as you predicted"
	if c.Correct {
		tone, word = p.state.Good, "as you predicted"
	}
	lines := []string{tone.Paint(p.state.Say(word))}
	lines = append(lines, p.cardFacts(c, width-len(indent))...)
	return style.Prefix(indent, append(lines, p.cardReplies(c, width-len(indent))...))
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
	lines := append([]string{""}, p.state.HangPainted(p.label("Steady state")+"  ", p.state.Faint.Paint(p.state.Say(text)), width)...)
	for _, c := range all {
		lines = append(lines, p.condition(c, width)...)
	}
	return lines
}
