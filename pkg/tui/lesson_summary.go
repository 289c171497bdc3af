package tui

import (
	"fmt"

	"github.com/shopctl/shopctl/pkg/lesson"
)

// tallLesson is from which height on a pane lists the conditions of the steady state one by one.
const tallLesson = 24

// before says what held when the lesson was opened; it stands above the first step.
func (p *lessonPane) before(width int) []string {
	all := p.View.SteadyState
	if p.View.StepIndex > 0 || p.View.Done || len(all) == 0 {
		return nil
	}
	held := 0
	for _, c := range all {
		if c.Verdict == lesson.Pass {
			held++
		}
	}
	lines := p.w.paintHang(p.label("Steady state")+"  ", p.w.faint.paint(fmt.Sprintf("%d of %d conditions hold", held, len(all))), width)
	if !p.tall {
		return lines
	}
	for _, c := range all {
		lines = append(lines, p.condition(c, width)...)
	}
	return lines
}

// condition is one line of the steady state, and what is wrong with it.
func (p *lessonPane) condition(c lesson.CheckView, width int) []string {
	box, tone := checkBox(p.w.theme, c.Verdict)
	title := clean(c.Title)
	if p.w.linear && c.Verdict == lesson.Pass {
		title += " (holds)"
	} else if c.Verdict != lesson.Pass {
		title += " (does not hold)"
	}
	f := facts{w: p.w, width: width, lines: p.w.paintHang("  "+tone.paint(box), p.w.faint.paint(title), width)}
	if c.Verdict != lesson.Pass {
		f.add("expected", c.Expected)
		f.add("observed", c.Observed)
	}
	return f.lines
}

// after is what stands below the last step once the lesson is done: what the learner thought, saw and what
// was, step by step, and whether the shop is what it was.
func (p *lessonPane) after(width int) []string {
	if !p.View.Done || p.View.Step.Next != "done" {
		return nil
	}
	var lines []string
	for i, s := range p.View.Steps {
		if s.Card == nil {
			continue
		}
		if lines == nil {
			lines = append(lines, p.label("What you thought, and what was"))
		}
		lines = append(lines, p.w.paintHang(p.w.faint.paint(fmt.Sprintf("%d  ", i+1)), clean(s.Title), width)...)
		lines = append(lines, p.cardRows(s.Card, width)...)
	}
	return append(lines, p.again(width)...)
}

// cardRows are a card without its frame.
func (p *lessonPane) cardRows(c *lesson.Card, width int) []string {
	w := p.w
	predicted := c.Predicted
	if c.Confidence != "" {
		predicted += " (" + c.Confidence + ")"
	}
	tone := w.bad
	word := "not so"
	if c.Correct {
		tone, word = w.good, "so it was"
	}
	var lines []string
	row := func(name, value, tail string) {
		if value != "" {
			lines = append(lines, w.paintHang("   "+w.faint.paint(w.fit(name, 15)), clean(value)+tail, width)...)
		}
	}
	row("you predicted", predicted, tone.paint(": "+word))
	row("you saw", c.Observed, "")
	row("it was", c.Truth, "")
	return lines
}

// again says whether the steady state holds again.
func (p *lessonPane) again(width int) []string {
	all := p.View.SteadyState
	if len(all) == 0 {
		return nil
	}
	text := "holds again"
	for _, c := range all {
		if c.Verdict != lesson.Pass {
			text = "does not hold; leaving the lesson mends it"
		}
	}
	lines := append([]string{""}, p.w.paintHang(p.label("Steady state")+"  ", p.w.faint.paint(text), width)...)
	for _, c := range all {
		lines = append(lines, p.condition(c, width)...)
	}
	return lines
}
