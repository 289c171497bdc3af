package lessonpane

import (
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// goalLines is which lines of the step a goal takes.
type goalLines struct {
	id       string
	from, to int
}

// goalAt returns a goal by its id; ok is false if the step has no such goal.
func (p *Pane) goalAt(id string) (c lesson.CheckView, ok bool) {
	b, _ := p.Block(lesson.CheckBlock)
	for _, c := range b.Checks {
		if c.ID == id {
			return c, true
		}
	}
	return lesson.CheckView{}, false
}

// Cursor is the id of the goal that enter opens: the one that the user moved to, or else the one with the open
// question, or the first that is not reached; empty if there is none.
func (p *Pane) Cursor() string {
	if _, ok := p.goalAt(p.selectedGoal); ok {
		return p.selectedGoal
	}
	switch p.View.Step.Next {
	case "answer":
		q, _ := p.Question()
		return q.Check
	case "check":
		b, _ := p.Block(lesson.CheckBlock)
		for _, c := range b.Checks {
			if c.Verdict != lesson.Pass {
				return c.ID
			}
		}
	}
	return ""
}

// isInView reports whether the first line of a goal is in view.
func (p *Pane) isInView(s goalLines) bool {
	return s.from >= p.scroll.Top && s.from < p.scroll.Top+p.scroll.Height
}

// step moves the cursor to the next goal, or to the previous one if by is -1, if that is in view.
func (p *Pane) step(by int) bool {
	spots, at := p.cache.spots, p.Cursor()
	i := slices.IndexFunc(spots, func(s goalLines) bool { return s.id == at && p.isInView(s) })
	switch {
	case i >= 0:
		i += by
	case by > 0:
		i = slices.IndexFunc(spots, p.isInView)
	default:
		for j, s := range spots {
			if p.isInView(s) {
				i = j
			}
		}
	}
	if i < 0 || i >= len(spots) || !p.isInView(spots[i]) {
		return false
	}
	p.selectedGoal = spots[i].id
	p.scroll.Reveal(spots[i].from, spots[i].to)
	return true
}

// Evidence is the goal at the cursor, and whether it has something to open.
func (p *Pane) Evidence() (c lesson.CheckView, ok bool) {
	c, ok = p.goalAt(p.Cursor())
	return c, ok && (c.Evidence != probe.Evidence{} || c.Look != "")
}

func (p *Pane) goals(checks []lesson.CheckView, width int) []string {
	p.spots = nil
	if len(checks) == 0 {
		return nil
	}
	reached := 0
	for _, c := range checks {
		if c.Verdict == lesson.Pass && c.Held >= c.For {
			reached++
		}
	}
	lines := []string{p.label("Goals") + p.state.Faint.Paint("  "+p.state.Sayf("%d of %d", reached, len(checks)))}
	for _, c := range checks {
		goal := p.goal(c, width)
		p.spots = append(p.spots, goalLines{c.ID, len(lines), len(lines) + len(goal)})
		lines = append(lines, goal...)
	}
	return append(lines, p.files(width)...)
}

// files names the files that the learner applies or edits in another terminal.
func (p *Pane) files(width int) []string {
	if len(p.View.Files) == 0 {
		return nil
	}
	return append(style.Wrap(p.label("Files")+"  "+strings.Join(p.View.Files, ", "), width), p.state.Faint.PaintLines(style.Wrap(p.View.Workspace, width))...)
}

// checkBox is the symbol of a verdict and its color. In linear text, a word after the title replaces it.
func checkBox(t *style.Theme, v lesson.Verdict) (string, style.Tone) {
	if t.Linear {
		return "", style.Tone{}
	}
	switch v {
	case lesson.Pass:
		return "[x] ", t.Good
	case lesson.Fail:
		return "[ ] ", t.Bad
	case lesson.Inconclusive:
		return "[?] ", t.Warn
	case lesson.BrokenSetup:
		return "[!] ", t.Warn
	}
	return "[ ] ", t.Faint
}

// verdictLabel is the word for a verdict, where the box does not already express it.
func verdictLabel(t *style.Theme, v lesson.Verdict) string {
	switch v {
	case lesson.Fail, lesson.Inconclusive:
		return string(v)
	case lesson.BrokenSetup:
		return "broken setup"
	case lesson.Pass:
		if t.Linear {
			return "reached"
		}
	default:
		if t.Linear {
			return "open"
		}
	}
	return ""
}

// factList is the lines below a goal, each with a label.
type factList struct {
	state *pane.State
	width int
	lines []string
}

func (f *factList) add(name, value string) {
	if value == "" {
		return
	}
	if name != "" {
		name = f.state.Say(name)
		name = f.state.Faint.Paint(f.state.Fit(name, max(9, style.Width(name)+1)))
	}
	f.lines = append(f.lines, f.state.HangPainted("      "+name, style.Clean(value), f.width)...)
}

func (p *Pane) goal(c lesson.CheckView, width int) []string {
	state := p.state
	box, tone := checkBox(state.Theme, c.Verdict)
	title := style.Clean(c.Title)
	if word := verdictLabel(state.Theme, c.Verdict); word != "" {
		title += " " + tone.Paint("("+state.Say(word)+")")
	}
	mark := "  "
	if c.ID == p.Cursor() {
		mark = state.Accent.Paint(state.Mark + " ")
	}
	f := factList{state: state, width: width, lines: state.HangPainted(mark+tone.Paint(box), title, width)}
	f.add("", state.Say(c.Message))
	switch {
	case c.Verdict == lesson.Pass:
		if c.Held < c.For {
			f.add("holds", state.Sayf("%s of %s", humanize.Span(c.Held.Truncate(time.Second)), humanize.Span(c.For)))
		}
		return f.lines
	case c.Question != "" && answerable(c):
		f.lines = append(f.lines, style.Prefix("      ", slices.Clone(p.prose(c.Question, max(width-6, 1))))...)
		q, _ := p.Question()
		f.lines = append(f.lines, style.Prefix("    ", p.options(c.Options, c.Given, q.Check == c.ID, max(width-4, 1)))...)
		f.add("answered", given(c))
		return f.lines
	}
	if c.Observed != "" {
		f.add("expected", c.Expected)
		f.add("observed", c.Observed)
	}
	if c.Verdict == lesson.Fail || c.Verdict == lesson.Inconclusive || c.Verdict == lesson.BrokenSetup {
		f.add("see", c.Look)
	}
	return f.lines
}

// given is the answer that the learner gave, in the words of the option that it names.
func given(c lesson.CheckView) string {
	for _, o := range c.Options {
		if o.ID == c.Given {
			return o.Say
		}
	}
	return c.Given
}
