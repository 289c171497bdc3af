package draw

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/trace"
)

const (
	// minWidth is the least width of a waterfall; names wider than maxTree are cut.
	minWidth, maxTree = 40, 56
	durationWidth     = 8
	minBar, maxBar    = 8, 60
)

// Waterfall is one line for each of Rows(t), at most width cells wide: who, how long, and a bar of when.
// On the bar, what lies on the critical path is drawn full.
func Waterfall(t *trace.Trace, width int, s Style) []string {
	rows := Rows(t)
	if s.Linear {
		return s.linear(t, rows)
	}
	width = max(width, minWidth)
	tree, behind := 0, 0
	marks := make([]string, len(rows))
	for i, r := range rows {
		marks[i] = strings.Join(s.marks(r), ", ")
		tree = max(tree, cells.Width(s.branch(r)+s.Label(r.Of().Record)))
		behind = max(behind, cells.Width(marks[i]))
	}
	tree = min(tree, maxTree, width-durationWidth-minBar-4)
	bar := max(minBar, min(maxBar, width-tree-durationWidth-3-min(behind, width/3)))
	lines := make([]string, len(rows))
	for i, r := range rows {
		label := pad(s.branch(r)+s.Label(r.Of().Record), tree)
		if r.Span.Marks.Has(trace.Failed) || r.Of().Marks.Has(trace.Failed) {
			label = s.paint(Bad, label)
		}
		line := fmt.Sprintf("%s %*s %s %s", label, durationWidth, s.Took(r.Span), s.bar(t, r, bar), marks[i])
		lines[i] = cells.Truncate(strings.TrimRight(line, " "), width, s.cut())
	}
	return lines
}

// branch is the tree to the left of a row.
func (s Style) branch(r Row) string {
	down, blank, fork, end := "│ ", "  ", "├ ", "└ "
	if s.ASCII {
		down, fork, end = "| ", "|-", "`-"
	}
	var b strings.Builder
	for i, last := range r.last {
		switch {
		case i == len(r.last)-1 && last:
			b.WriteString(end)
		case i == len(r.last)-1:
			b.WriteString(fork)
		case last:
			b.WriteString(blank)
		default:
			b.WriteString(down)
		}
	}
	return b.String()
}

// bar draws when a row happens, within the whole trace.
func (s Style) bar(t *trace.Trace, r Row, width int) string {
	full, beside, point := "█", "░", "▏"
	if s.ASCII {
		full, beside, point = "#", "-", "|"
	}
	if !r.Span.Timed() {
		return strings.Repeat(" ", width)
	}
	total := t.Duration()
	cell := func(at time.Time) float64 {
		if total <= 0 {
			return 0
		}
		return float64(at.Sub(t.Start)) / float64(total) * float64(width)
	}
	from := min(width-1, max(0, int(cell(r.Span.Start))))
	to := min(width, max(from+1, int(cell(r.Span.End)+0.5)))
	glyph := make([]string, to-from)
	for i := range glyph {
		glyph[i] = beside
	}
	if cell(r.Span.End)-cell(r.Span.Start) < 0.5 {
		glyph[0] = point
	}
	own := r.Span.Own
	if r.Served != nil {
		own = append(own[:len(own):len(own)], r.Served.Own...)
	}
	for _, o := range own {
		// A piece of the path that is shorter than half a cell would draw it too long.
		begin, end := int(cell(o.From)+0.5), int(cell(o.To)+0.5)
		for i := max(begin, from); i < min(end, to); i++ {
			glyph[i-from] = full
		}
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", from))
	for i := 0; i < len(glyph); {
		j := i
		for j < len(glyph) && glyph[j] == glyph[i] {
			j++
		}
		tone := Faint
		if glyph[i] == full {
			tone = Path
		}
		b.WriteString(s.paint(tone, strings.Repeat(glyph[i], j-i)))
		i = j
	}
	b.WriteString(strings.Repeat(" ", width-to))
	return b.String()
}

// linear writes each row as a sentence.
func (s Style) linear(t *trace.Trace, rows []Row) []string {
	lines := make([]string, len(rows))
	for i, r := range rows {
		parts := []string{fmt.Sprintf("level %d", r.Depth+1), s.Label(r.Of().Record)}
		if r.Span.Timed() {
			parts = append(parts, "takes "+s.Duration(r.Span.Duration()), "begins at "+s.Duration(r.Span.Start.Sub(t.Start)))
		}
		if own := rowOwn(r); own > 0 {
			parts = append(parts, fmt.Sprintf("on the critical path for %s", s.Duration(own)))
		}
		lines[i] = strings.Join(append(parts, s.marks(r)...), ", ")
	}
	return lines
}

func rowOwn(r Row) time.Duration {
	own := r.Span.OwnTime()
	if r.Served != nil {
		own += r.Served.OwnTime()
	}
	return own
}
