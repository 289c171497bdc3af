package draw

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/trace"
)

// Head summarizes a trace in a few lines: its root, how much there is of it, what its time went to and
// what is remarkable about it.
func Head(t *trace.Trace, width int, s Style) []string {
	root := t.Root()
	lines := []string{
		s.paint(Bold, "trace "+t.ID.String()) + "  " + started(t),
		fmt.Sprintf("%s  %s  %s  %s", s.Label(root.Record), s.whole(t), humanize.Count(len(t.Spans), "span"), humanize.Count(len(t.Services), "service")),
	}
	if remarks := s.remarks(t); len(remarks) > 0 {
		lines = append(lines, strings.Join(remarks, "; "))
	}
	if path := s.Path(t, 4); path != "" {
		lines = append(lines, path)
	}
	return wrap(lines, width)
}

func started(t *trace.Trace) string {
	if !t.Timed() {
		return "time unknown"
	}
	return t.Start.Local().Format("2006-01-02 15:04:05.000")
}

// whole is how long a trace took, if that is known.
func (s Style) whole(t *trace.Trace) string {
	if !t.Timed() {
		return "unknown"
	}
	return s.Duration(t.Duration())
}

// wrap breaks lines between words where they are wider than width.
func wrap(lines []string, width int) []string {
	var out []string
	for _, line := range lines {
		out = append(out, strings.Split(cells.Wordwrap(line, max(width, minWidth), " "), "\n")...)
	}
	return out
}

// remarks counts the marks of a trace.
func (s Style) remarks(t *trace.Trace) []string {
	var words []string
	add := func(n int, tone Tone, one, many string) {
		switch {
		case n == 1:
			words = append(words, s.paint(tone, "1 "+one))
		case n > 1:
			words = append(words, s.paint(tone, fmt.Sprintf("%d %s", n, many)))
		}
	}
	add(t.Errors, Bad, "span failed", "spans failed")
	add(t.Count(trace.Retry), Warn, "retry", "retries")
	add(t.Count(trace.Faulty), Warn, "injected fault", "injected faults")
	add(t.Count(trace.Orphan), Warn, "orphan: its parent is missing", "orphans: their parents are missing")
	add(t.Count(trace.Untimed), Warn, "span without a time that can be right", "spans without a time that can be right")
	add(t.Count(trace.Skewed)-t.Count(trace.Skewed|trace.Untimed), Warn, "span outside its parent: clocks differ", "spans outside their parents: clocks differ")
	add(t.Count(trace.Duplicate), Warn, "span shares its id", "spans share their ids")
	add(t.Count(trace.Cyclic), Warn, "span is its own ancestor", "spans are their own ancestors")
	add(t.Repeated, Faint, "span came twice", "spans came twice")
	add(t.Folded, Faint, "span of a sidecar is folded", "spans of sidecars are folded")
	if t.Entered() {
		words = append(words, s.paint(Faint, "its caller sent no span"))
	}
	return words
}

// Path lists in one line what the trace waited for, the longest first, at most n places.
func (s Style) Path(t *trace.Trace, n int) string {
	var whole time.Duration
	var places totals
	for _, span := range t.Spans {
		whole += span.OwnTime()
		places.add(s.place(span), span.OwnTime())
	}
	if whole <= 0 {
		return ""
	}
	return s.paint(Path, "critical path: ") + places.text(n, func(p total) string {
		return fmt.Sprintf("%s %s (%.0f%%)", p.label, s.Duration(p.took), 100*float64(p.took)/float64(whole))
	})
}

// totals adds up times by label.
type totals struct {
	list []total
	at   map[string]int
}

type total struct {
	label string
	took  time.Duration
}

func (t *totals) add(label string, took time.Duration) {
	if took == 0 {
		return
	}
	if t.at == nil {
		t.at = map[string]int{}
	}
	i, ok := t.at[label]
	if !ok {
		i = len(t.list)
		t.at[label] = i
		t.list = append(t.list, total{label: label})
	}
	t.list[i].took += took
}

// text lists the n largest, and how many more there are.
func (t *totals) text(n int, write func(total) string) string {
	list := slices.Clone(t.list)
	slices.SortStableFunc(list, func(a, b total) int { return cmp.Compare(b.took.Abs(), a.took.Abs()) })
	var words []string
	for _, p := range list[:min(n, len(list))] {
		words = append(words, write(p))
	}
	if len(list) > n {
		words = append(words, fmt.Sprintf("%d more", len(list)-n))
	}
	return strings.Join(words, ", ")
}
