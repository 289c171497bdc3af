package draw

import (
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/trace"
)

const (
	timeWidth           = 9
	minColumn, maxWords = 8, 40
)

// Sequence draws services across and time down, at most width cells wide where that is possible at all:
// a line for each call and each response, with what was called behind it.
func Sequence(t *trace.Trace, width int, s Style) []string {
	q := t.Sequence()
	if s.Linear {
		return s.linearSequence(q)
	}
	if len(q.Participants) == 0 {
		return []string{"no calls between services"}
	}
	d := diagram{style: s, column: map[string]int{}}
	d.width = minColumn
	longest := 0
	for i, p := range q.Participants {
		d.column[p] = i
		longest = max(longest, cells.Width(s.participant(p)))
	}
	room := (width - timeWidth - maxWords) / len(q.Participants)
	d.width = max(minColumn, min(longest+2, room))
	head := strings.Repeat(" ", timeWidth)
	for _, p := range q.Participants {
		head += pad(cells.Truncate(s.participant(p), d.width-1, ""), d.width)
	}
	lines := []string{s.paint(Bold, strings.TrimRight(head, " "))}
	for _, m := range q.Messages {
		line := fmt.Sprintf("%*s ", timeWidth-1, s.Duration(m.At)) + d.arrow(m) + " " + s.words(m)
		lines = append(lines, cells.Truncate(strings.TrimRight(line, " "), max(width, timeWidth+d.width*len(q.Participants)+8), ""))
	}
	return lines
}

// diagram is where the lifelines are.
type diagram struct {
	style  Style
	column map[string]int
	width  int
}

// arrow is one line of lifelines with an arrow between two of them; solid for a call, dotted for a response.
func (d diagram) arrow(m trace.Message) string {
	life, dash, dot, right, left, self := "│", "─", "┄", "▶", "◀", "↻"
	if d.style.ASCII {
		life, dash, dot, right, left, self = "|", "-", ".", ">", "<", "@"
	}
	cells := make([]string, d.width*len(d.column))
	for i := range cells {
		cells[i] = " "
		if i%d.width == 0 {
			cells[i] = life
		}
	}
	from, to := d.column[m.From]*d.width, d.column[m.To]*d.width
	line := dash
	if m.Response {
		line = dot
	}
	switch {
	case from == to:
		cells[from+1] = self
	case from < to:
		for i := from + 1; i < to; i++ {
			cells[i] = line
		}
		cells[to-1] = right
	default:
		for i := to + 1; i < from; i++ {
			cells[i] = line
		}
		cells[to+1] = left
	}
	tone := Plain
	switch {
	case m.Response && m.Call.Error:
		tone = Bad
	case m.Response:
		tone = Faint
	}
	return d.style.paint(tone, strings.Join(cells, ""))
}

// words is the text behind an arrow.
func (s Style) words(m trace.Message) string {
	row := Row{Span: m.Call}
	if m.Served != nil && m.Served != m.Call {
		row.Served = m.Served
	}
	if !m.Response {
		text := Clean(m.Call.Operation())
		if m.Call.Attempts > 0 {
			text += s.paint(Warn, fmt.Sprintf(" (try %d of %d)", m.Call.Attempt, m.Call.Attempts))
		}
		return text
	}
	text := s.Took(m.Call)
	if !m.Call.Timed() {
		text = "time unknown"
	}
	if m.Call.Error {
		text += s.paint(Bad, " error"+failure(row))
	}
	if of := row.Of(); of.Fault != "" {
		text += s.paint(Warn, " fault "+Clean(of.Fault))
	}
	return text
}

func (s Style) participant(name string) string {
	if name == trace.Outside {
		return name
	}
	service, sidecar := strings.CutSuffix(name, trace.SidecarSuffix)
	if sidecar {
		return s.name(service) + trace.SidecarSuffix
	}
	return s.name(name)
}

// linearSequence writes a sentence for each message.
func (s Style) linearSequence(q trace.Sequence) []string {
	var lines []string
	for _, m := range q.Messages {
		verb := "calls"
		if m.Response {
			verb = "responds to"
		}
		lines = append(lines, fmt.Sprintf("at %s %s %s %s: %s", s.Duration(m.At), s.participant(m.From), verb, s.participant(m.To), s.words(m)))
	}
	return lines
}
