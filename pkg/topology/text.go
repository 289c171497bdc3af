package topology

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
	"github.com/shopctl/shopctl/pkg/printable"
)

const user = servicegraph.User

// Tone is the meaning of a piece of text, for its color.
type Tone int

// The tones.
const (
	Plain Tone = iota
	// Good: no failures. Bad: failures. Warn: an active fault. Faint: no traffic.
	Good
	Bad
	Warn
	Faint
)

// Style configures how text looks.
type Style struct {
	// ASCII uses no characters beyond ASCII, Linear no drawing at all: one sentence a line.
	ASCII, Linear bool
	// Here reports whether an edge is marked with HereMark; nil: none is.
	Here func(caller, callee string) bool
	// Paint colors text; nil leaves it as it is.
	Paint func(Tone, string) string
}

// HereMark follows the figures of the edges that Style.Here selects.
const HereMark = "<- here"

func (s Style) here(e *Edge) bool {
	return s.Here != nil && e != nil && s.Here(e.Caller, e.Callee)
}

func (s Style) paint(t Tone, text string) string {
	if s.Paint == nil || t == Plain || text == "" {
		return text
	}
	return s.Paint(t, text)
}

// Text draws a map as lines: trees of calls with the figures of each, and the blast radius of faults.
func Text(m Map, s Style) []string {
	m = m.oneLine()
	d := drawing{style: s, faults: map[string][]string{}, states: map[string]string{}}
	for _, n := range m.Nodes {
		d.faults[n.Service] = n.Faults
		d.states[n.Service] = n.State
	}
	roots, alone := grow(m)
	var lines []string
	if s.Linear {
		for _, r := range roots {
			lines = append(lines, d.sentences(r)...)
		}
	} else {
		for _, r := range roots {
			d.add(r, "", "")
		}
		lines = d.lines()
	}
	for _, name := range alone {
		if f := d.faults[name]; len(f) > 0 || !isWell(d.states[name]) {
			lines = append(lines, d.uncalled(name))
		}
	}
	if idle := d.idle(alone); len(idle) > 0 {
		lines = append(lines, s.paint(Faint, "no calls: "+strings.Join(idle, ", ")))
	}
	lines = append(lines, sentences(m, s)...)
	if s.ASCII {
		for i := range lines {
			lines[i] = strings.ReplaceAll(lines[i], "µs", "us")
		}
	}
	return lines
}

// oneLine returns the map with names, statuses and sentences that fit into a line of text: spans of other programs may
// have line feeds in them.
func (m Map) oneLine() Map {
	m.Nodes, m.Edges, m.Blast = slices.Clone(m.Nodes), slices.Clone(m.Edges), slices.Clone(m.Blast)
	for i, n := range m.Nodes {
		m.Nodes[i].Service, m.Nodes[i].Faults = printable.Line(n.Service), printedLines(n.Faults)
	}
	for i, e := range m.Edges {
		m.Edges[i].Caller, m.Edges[i].Callee, m.Edges[i].Failures = printable.Line(e.Caller), printable.Line(e.Callee), printedLines(e.Failures)
	}
	for i, b := range m.Blast {
		m.Blast[i].Sentence = printable.Line(b.Sentence)
	}
	return m
}

func printedLines(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = printable.Line(text)
	}
	return out
}

// uncalled is the line of a service without calls that has faults or is not ok.
func (d *drawing) uncalled(name string) string {
	if d.style.Linear {
		return name + ": no calls; " + d.notes(name)
	}
	return name + "   no calls   " + d.style.paint(Warn, d.notes(name))
}

// sentences are the blast radii of the active faults, after an empty line.
func sentences(m Map, s Style) []string {
	var lines []string
	for _, b := range m.Blast {
		if len(lines) == 0 {
			lines = append(lines, "")
		}
		lines = append(lines, s.paint(Warn, b.Sentence))
	}
	return lines
}

// drawing gathers the lines of a map before the columns are aligned.
type drawing struct {
	style  Style
	faults map[string][]string
	states map[string]string
	rows   [][]cell
}

type cell struct {
	text string
	tone Tone
}

func (d *drawing) idle(alone []string) (names []string) {
	for _, name := range alone {
		if len(d.faults[name]) == 0 && isWell(d.states[name]) {
			names = append(names, name)
		}
	}
	return names
}

func isWell(state string) bool { return state == "" || state == "ok" }

// add draws a branch behind lead, and what is below it behind rest.
func (d *drawing) add(b *branch, lead, rest string) {
	row := []cell{{lead + b.name, Plain}}
	if b.edge != nil {
		row = append(row, figuresCells(*b.edge)...)
	} else {
		row = append(row, cell{}, cell{}, cell{})
	}
	var marks []string
	if d.style.here(b.edge) {
		marks = append(marks, HereMark)
	}
	if b.edge != nil && b.edge.Asynchronous {
		marks = append(marks, "asynchronous")
	}
	switch {
	case b.cycle:
		marks = append(marks, "calls back")
	case b.again:
		marks = append(marks, "see above")
	}
	mark := strings.Join(marks, " ")
	notes := d.notes(b.name)
	if mark != "" && notes != "" {
		mark += "   "
	}
	known := cell{}
	if b.edge != nil {
		known = b.edge.Mesh.cell()
	}
	d.rows = append(d.rows, append(row, known, cell{mark, Faint}, cell{notes, Warn}))
	tee, corner, bar := "├─ ", "└─ ", "│  "
	if d.style.ASCII {
		tee, corner, bar = "|- ", "`- ", "|  "
	}
	for i, next := range b.below {
		if i == len(b.below)-1 {
			tee, bar = corner, "   "
		}
		d.add(next, rest+tee, rest+bar)
	}
}

// notes are the faults of a service, and its state unless it is ok.
func (d *drawing) notes(name string) string {
	var words []string
	state := d.states[name]
	covered := slices.ContainsFunc(d.faults[name], func(f string) bool { return strings.HasPrefix(f, state) })
	if !isWell(state) && !covered {
		words = append(words, state)
	}
	for _, f := range d.faults[name] {
		words = append(words, "fault: "+f)
	}
	return strings.Join(words, "; ")
}

// figuresCells are rate, errors and latency of an edge.
func figuresCells(e Edge) []cell {
	t := e.Traffic
	if t.Requests == 0 {
		return []cell{{"0/s", Faint}, {"", Plain}, {"", Plain}}
	}
	errors := cell{"no errors", Good}
	if t.ErrorRatio > 0 {
		errors = cell{humanize.Percent(t.ErrorRatio) + " errors" + statuses(e, " "), Bad}
	}
	return []cell{{rate(t.Rate), Plain}, errors, {"p95 " + humanize.Duration(t.P95), Plain}}
}

// statuses names the most frequent failures.
func statuses(e Edge, before string) string {
	f := e.Failures
	if len(f) == 0 {
		return ""
	}
	return before + strings.Join(f[:min(2, len(f))], ", ")
}

// lines aligns the columns.
func (d *drawing) lines() []string {
	var widths []int
	for _, row := range d.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cells.Width(c.text))
		}
	}
	lines := make([]string, len(d.rows))
	for i, row := range d.rows {
		var b strings.Builder
		for j, c := range row {
			b.WriteString(d.style.paint(c.tone, c.text))
			if j <= 3 || j == 4 && widths[j] > 0 { // without sidecars there is no fifth column
				b.WriteString(strings.Repeat(" ", widths[j]-cells.Width(c.text)+3))
			}
		}
		lines[i] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

// sentences are the calls of a tree, one a line, without drawing.
func (d *drawing) sentences(b *branch) (lines []string) {
	if b.edge == nil && d.notes(b.name) != "" {
		lines = append(lines, b.name+": "+d.notes(b.name))
	}
	for _, next := range b.below {
		t := next.edge.Traffic
		line := fmt.Sprintf("%s calls %s: ", next.edge.Caller, next.name)
		if next.edge.Asynchronous {
			line = fmt.Sprintf("%s sends messages to %s: ", next.edge.Caller, next.name)
		}
		switch {
		case t.Requests == 0:
			line += "not now"
		case t.ErrorRatio == 0:
			line += fmt.Sprintf("%s, no errors, p95 %s", rate(t.Rate), humanize.Duration(t.P95))
		default:
			line += fmt.Sprintf("%s, %s errors%s, p95 %s", rate(t.Rate), humanize.Percent(t.ErrorRatio), statuses(*next.edge, " "), humanize.Duration(t.P95))
		}
		if known := next.edge.Mesh.cell(); known.text != "" {
			line += "; " + known.text
		}
		if d.style.here(next.edge) {
			line += " " + HereMark
		}
		if notes := d.notes(next.name); notes != "" {
			line += "; " + next.name + ": " + notes
		}
		lines = append(append(lines, line), d.sentences(next)...)
	}
	return lines
}

// rate is requests per second: "31/s", "0.4/s".
func rate(perSecond float64) string { return humanize.Rate(perSecond) + "/s" }
