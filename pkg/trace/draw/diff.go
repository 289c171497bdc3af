package draw

import (
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/trace"
)

// Diff lays two traces side by side: a summary of where the difference comes from, an empty line, and a
// line for each place with its duration in both.
func Diff(d *trace.Diff, width int, s Style) []string {
	width = max(width, minWidth)
	lines := []string{
		fmt.Sprintf("A  %s  %s  %s  %s", d.A.ID, s.Label(d.A.Root().Record), s.Took(d.A.Root()), humanize.Count(len(d.A.Spans), "span")),
		fmt.Sprintf("B  %s  %s  %s  %s", d.B.ID, s.Label(d.B.Root().Record), s.Took(d.B.Root()), humanize.Count(len(d.B.Spans), "span")),
		s.verdict(d),
	}
	var causes totals
	for _, p := range d.Pairs {
		causes.add(s.place(p.Span()), p.Cause())
	}
	if len(causes.list) > 0 {
		lines = append(lines, s.paint(Path, "where the difference lies: ")+causes.text(5, func(p total) string { return p.label + " " + s.signed(p.took) }))
	}
	lines = append(wrap(lines, width), "")
	for _, line := range s.pairs(d) {
		if !s.Linear {
			line = cells.Truncate(line, width, s.cut())
		}
		lines = append(lines, line)
	}
	return lines
}

func (s Style) verdict(d *trace.Diff) string {
	delta := d.B.Root().Duration() - d.A.Root().Duration()
	added, removed := 0, 0
	for _, p := range d.Pairs {
		switch {
		case p.A == nil:
			added++
		case p.B == nil:
			removed++
		}
	}
	words := "B takes as long as A"
	switch {
	case !d.A.Root().Timed() || !d.B.Root().Timed():
		words = "the difference is unknown: a root has no time that can be right"
	case delta > 0:
		words = "B takes " + s.Duration(delta) + " longer"
	case delta < 0:
		words = "B takes " + s.Duration(-delta) + " less"
	}
	if added > 0 {
		words += "; " + humanize.Count(added, "span") + " only in B"
	}
	if removed > 0 {
		words += "; " + humanize.Count(removed, "span") + " only in A"
	}
	return words
}

func (s Style) pairs(d *trace.Diff) []string {
	if s.Linear {
		return s.linearPairs(d)
	}
	tree := 0
	for _, p := range d.Pairs {
		tree = max(tree, cells.Width(s.indented(p)))
	}
	tree = min(tree, maxTree)
	lines := []string{s.paint(Faint, fmt.Sprintf("%s %9s %9s %10s", pad("", tree+2), "A", "B", "B-A"))}
	for _, p := range d.Pairs {
		a, b, sign, tone := "-", "-", " ", Plain
		if p.A != nil {
			a = s.Took(p.A)
		}
		if p.B != nil {
			b = s.Took(p.B)
		}
		switch {
		case p.A == nil:
			sign, tone = "+", Good
		case p.B == nil:
			sign, tone = "-", Bad
		}
		line := s.paint(tone, sign+" "+pad(s.indented(p), tree)) + fmt.Sprintf(" %9s %9s %10s", a, b, s.delta(p))
		if marks := s.changed(p); marks != "" {
			line += "  " + marks
		}
		lines = append(lines, line)
	}
	return lines
}

// delta is how much longer a pair takes in B, if that is known.
func (s Style) delta(p trace.Pair) string {
	if !p.Known() {
		return "unknown"
	}
	return s.signed(p.Delta())
}

// indented is where a pair lies, by its depth.
func (s Style) indented(p trace.Pair) string {
	return strings.Repeat("  ", min(p.Depth, maxDepth)) + s.place(p.Span())
}

// changed describes notable properties that only one side has.
func (s Style) changed(p trace.Pair) string {
	var sides []string
	mark := func(name string, of *trace.Span) string {
		if of == nil {
			return ""
		}
		if words := s.marks(Row{Span: of}); len(words) > 0 {
			return name + ": " + strings.Join(words, ", ")
		}
		return ""
	}
	a, b := mark("", p.A), mark("", p.B)
	if a == b {
		return ""
	}
	for _, side := range []string{mark("A", p.A), mark("B", p.B)} {
		if side != "" {
			sides = append(sides, side)
		}
	}
	return strings.Join(sides, "; ")
}

func (s Style) linearPairs(d *trace.Diff) []string {
	var lines []string
	for _, p := range d.Pairs {
		line := fmt.Sprintf("level %d, %s", p.Depth+1, s.place(p.Span()))
		switch {
		case p.A == nil:
			line += ", only in B, takes " + s.Took(p.B)
		case p.B == nil:
			line += ", only in A, takes " + s.Took(p.A)
		default:
			line += fmt.Sprintf(", A %s, B %s, difference %s", s.Took(p.A), s.Took(p.B), s.delta(p))
		}
		if marks := s.changed(p); marks != "" {
			line += ", " + marks
		}
		lines = append(lines, line)
	}
	return lines
}
