package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/check"
)

// spot is which lines of the step a goal takes.
type spot struct {
	id       string
	from, to int
}

// goalAt returns a goal by its id; ok is false if the step shows none such.
func (p *lessonPane) goalAt(id string) (c lesson.CheckView, ok bool) {
	b, _ := p.Block(lesson.CheckBlock)
	for _, c := range b.Checks {
		if c.ID == id {
			return c, true
		}
	}
	return lesson.CheckView{}, false
}

// Cursor is the id of the goal that enter opens: the one that was moved to, or else the one that asks, or
// the first that is not reached; empty if there is none.
func (p *lessonPane) Cursor() string {
	if _, ok := p.goalAt(p.at); ok {
		return p.at
	}
	switch p.View.Step.Next {
	case "answer":
		q, _ := p.Question()
		return q.check
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

// inView tells whether a goal begins in what is seen.
func (p *lessonPane) inView(s spot) bool {
	return s.from >= p.scroll.top && s.from < p.scroll.top+p.scroll.height
}

// step moves the cursor to the next goal, or the one before where by is -1, if it is in view.
func (p *lessonPane) step(by int) bool {
	spots, at := p.kept.spots, p.Cursor()
	i := slices.IndexFunc(spots, func(s spot) bool { return s.id == at && p.inView(s) })
	switch {
	case i >= 0:
		i += by
	case by > 0:
		i = slices.IndexFunc(spots, p.inView)
	default:
		for j, s := range spots {
			if p.inView(s) {
				i = j
			}
		}
	}
	if i < 0 || i >= len(spots) || !p.inView(spots[i]) {
		return false
	}
	p.at = spots[i].id
	p.scroll.reveal(spots[i].from, spots[i].to)
	return true
}

// Evidence is the goal at the cursor, and whether there is something to open of it.
func (p *lessonPane) Evidence() (c lesson.CheckView, ok bool) {
	c, ok = p.goalAt(p.Cursor())
	return c, ok && (c.Evidence != check.Evidence{} || c.Look != "")
}

func (p *lessonPane) goals(checks []lesson.CheckView, width int) []string {
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
	lines := []string{p.label("Goals") + p.w.faint.paint(fmt.Sprintf("  %d of %d", reached, len(checks)))}
	for _, c := range checks {
		goal := p.goal(c, width)
		p.spots = append(p.spots, spot{c.ID, len(lines), len(lines) + len(goal)})
		lines = append(lines, goal...)
	}
	return append(lines, p.files(width)...)
}

// files says where those lie that the learner applies or edits, which is done in a terminal of one's own.
func (p *lessonPane) files(width int) []string {
	if len(p.View.Files) == 0 {
		return nil
	}
	return append(wrap(p.label("Files")+"  "+strings.Join(p.View.Files, ", "), width), p.w.faint.each(wrap(p.View.Workspace, width))...)
}

// checkBox is the symbol of a verdict, and its colour. In linear text a word behind the title says it.
func checkBox(t *theme, v lesson.Verdict) (string, tone) {
	if t.linear {
		return "", tone{}
	}
	switch v {
	case lesson.Pass:
		return "[x] ", t.good
	case lesson.Fail:
		return "[ ] ", t.bad
	case lesson.Inconclusive:
		return "[?] ", t.warn
	case lesson.BrokenSetup:
		return "[!] ", t.warn
	}
	return "[ ] ", t.faint
}

// verdictWord is the word for a verdict; where a box says it already, only for what needs a word.
func verdictWord(t *theme, v lesson.Verdict) string {
	switch v {
	case lesson.Fail, lesson.Inconclusive:
		return string(v)
	case lesson.BrokenSetup:
		return "broken set-up"
	case lesson.Pass:
		if t.linear {
			return "reached"
		}
	default:
		if t.linear {
			return "open"
		}
	}
	return ""
}

// facts are the lines below a goal, each with the name of what it tells.
type facts struct {
	w     *world
	width int
	lines []string
}

func (f *facts) add(name, value string) {
	if value == "" {
		return
	}
	if name != "" {
		name = f.w.faint.paint(f.w.fit(name, 9))
	}
	f.lines = append(f.lines, f.w.paintHang("      "+name, clean(value), f.width)...)
}

func (p *lessonPane) goal(c lesson.CheckView, width int) []string {
	w := p.w
	box, tone := checkBox(w.theme, c.Verdict)
	title := clean(c.Title)
	if word := verdictWord(w.theme, c.Verdict); word != "" {
		title += " " + tone.paint("("+word+")")
	}
	mark := "  "
	if c.ID == p.Cursor() {
		mark = w.accent.paint(w.mark + " ")
	}
	f := facts{w: w, width: width, lines: w.paintHang(mark+tone.paint(box), title, width)}
	f.add("", c.Message)
	switch {
	case c.Verdict == lesson.Pass:
		if c.Held < c.For {
			f.add("holds", humanize.Span(c.Held.Truncate(time.Second))+" of "+humanize.Span(c.For))
		}
		return f.lines
	case c.Question != "" && answerable(c):
		f.lines = append(f.lines, prefixed("      ", slices.Clone(p.prose(c.Question, max(width-6, 1))))...)
		q, _ := p.Question()
		f.lines = append(f.lines, prefixed("    ", p.options(c.Options, c.Given, q.check == c.ID, max(width-4, 1)))...)
		f.add("you said", c.Given)
		return f.lines
	}
	if c.Observed != "" {
		f.add("expected", c.Expected)
		f.add("observed", c.Observed)
	}
	if c.Verdict == lesson.Fail || c.Verdict == lesson.Inconclusive || c.Verdict == lesson.BrokenSetup {
		f.add("look", c.Look)
	}
	return f.lines
}
