package draw

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/trace"
)

// Row is one line of a waterfall: a span, or a call with the span of the service that served it.
type Row struct {
	// Span is the outer one, Served what is drawn in the same line; nil: nothing is.
	Span, Served *trace.Span
	Depth        int
	// last reports for each level from the second to the row's own whether nothing follows on it.
	last []bool
}

// Of is the most informative span of the row: the one that served.
func (r Row) Of() *trace.Span {
	if r.Served != nil {
		return r.Served
	}
	return r.Span
}

// maxDepth is how deep a row is indented; below that, rows stay where they are.
const maxDepth = 16

// Rows are the lines of a waterfall of t, in its order. A call and its serving by another service take
// one line if nothing notable distinguishes the two.
func Rows(t *trace.Trace) []Row {
	var rows []Row
	type place struct {
		span *trace.Span
		last []bool
	}
	var stack []place
	push := func(spans []*trace.Span, above []bool, root bool) {
		for i := len(spans) - 1; i >= 0; i-- {
			var last []bool
			if !root {
				last = append(append(last, above[max(0, len(above)-maxDepth):]...), i == len(spans)-1)
			}
			stack = append(stack, place{spans[i], last})
		}
	}
	push(t.Roots, nil, true)
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		row := Row{Span: p.span, Served: served(p.span), Depth: len(p.last), last: p.last}
		rows = append(rows, row)
		push(row.Of().Children, p.last, false)
	}
	return rows
}

// served is the span that a call's line shows too.
func served(s *trace.Span) *trace.Span {
	if s.Kind != trace.Client || s.Proxy || len(s.Children) != 1 {
		return nil
	}
	c := s.Children[0]
	apart := trace.Skewed | trace.Late | trace.Duplicate | trace.Cyclic | trace.Untimed
	if c.Kind != trace.Server || c.Service == s.Service || c.Marks&apart != 0 {
		return nil
	}
	return c
}

// marks describe what is remarkable about a row.
func (s Style) marks(r Row) []string {
	var words []string
	marks, of := r.Span.Marks, r.Of()
	if r.Served != nil {
		marks |= r.Served.Marks
	}
	add := func(m trace.Mark, t Tone, text string) {
		if marks.Has(m) {
			words = append(words, s.paint(t, text))
		}
	}
	add(trace.Failed, Bad, "error"+failure(r))
	attempt, attempts := r.Span.Attempt, r.Span.Attempts
	if attempts == 0 {
		attempt, attempts = of.Attempt, of.Attempts
	}
	if attempts > 0 {
		words = append(words, s.paint(Warn, fmt.Sprintf("try %d of %d", attempt, attempts)))
	}
	fault := of
	if r.Span.Fault != "" {
		fault = r.Span
	}
	add(trace.Faulty, Warn, strings.TrimSpace("fault "+Clean(fault.Fault)+" "+Clean(fault.Effect)))
	if flags := sidecarFlags(r); flags != "" {
		words = append(words, s.paint(Warn, "sidecar "+flags))
	}
	add(trace.Orphan, Warn, "orphan: parent "+r.Span.Parent.String()+" is missing")
	if marks.Has(trace.Untimed) {
		marks &^= trace.Skewed
	}
	add(trace.Untimed, Warn, "time unknown")
	add(trace.Skewed, Warn, "clock differs from its parent's")
	add(trace.Late, Faint, "ends after its parent")
	add(trace.Duplicate, Warn, "shares its id with another span")
	add(trace.Cyclic, Warn, "is its own ancestor")
	return words
}

// sidecarFlags are the response flags of sidecars between the spans of a row.
func sidecarFlags(r Row) string {
	flags := r.Span.Flags
	if r.Served != nil {
		for _, flag := range r.Served.Flags {
			if !slices.Contains(flags, flag) {
				flags = append(flags[:len(flags):len(flags)], flag)
			}
		}
	}
	return Clean(strings.Join(flags, ","))
}

// Links are the other spans that those of a row belong to, a line for each.
func Links(r Row) []string {
	var lines []string
	for _, span := range []*trace.Span{r.Span, r.Served} {
		if span == nil {
			continue
		}
		for _, l := range span.Links {
			lines = append(lines, "linked to "+Clean(l.String()))
		}
	}
	return lines
}

// failure is the code of a row that failed, else the message of its status.
func failure(r Row) string {
	for _, span := range []*trace.Span{r.Of(), r.Span} {
		if span.Code != "" && span.Code != "OK" {
			return " " + Clean(span.Code)
		}
	}
	if r.Of().Message != "" {
		return ": " + Clean(r.Of().Message)
	}
	return ""
}
