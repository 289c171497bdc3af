package pane

import (
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/draw"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// waterfall is one trace, a line for each span, with the cursor on one of them.
type waterfall struct {
	state *State
	id    string // or Newest
	t     *trace.Trace
	rows  []draw.Row
	fail  string
	// seek is the id of the span to select once the trace has arrived; empty: none.
	seek string
	style.Selection
	// detail shows the attributes of the selected span in place of the waterfall.
	detail     bool
	detailView style.Viewport // of the detail
	drawn      drawnTrace
}

// drawnTrace is the waterfall as it was last drawn, and what that depended on.
type drawnTrace struct {
	t     *trace.Trace
	theme *style.Theme
	width int
	names int // number of services, whose names arrive after the first traces
	lines []string
}

func newWaterfall(state *State, id string) *waterfall { return &waterfall{state: state, id: id} }

func (p *waterfall) apply(s *feed.Result) {
	if s.Trace == nil {
		p.fail = s.Failure
		return
	}
	if p.t == nil || p.t.ID != s.Trace.ID {
		p.At, p.Viewport = 0, style.Viewport{}
	}
	p.t, p.rows, p.fail = s.Trace, draw.Rows(s.Trace), ""
	p.At = min(p.At, max(len(p.rows)-1, 0))
	for i, row := range p.rows {
		if p.seek != "" && row.Of().Span.String() == p.seek {
			p.At, p.seek = i, ""
		}
	}
}

// traceID is the id of the trace that is shown.
func (p *waterfall) traceID() string {
	if p.t != nil {
		return p.t.ID.String()
	}
	if p.id == feed.Newest {
		return ""
	}
	return p.id
}

// spanID is the id of the span that is open, empty if there is none.
func (p *waterfall) spanID() string {
	if !p.detail || p.At >= len(p.rows) {
		return ""
	}
	return p.rows[p.At].Of().Span.String()
}

// Scroll moves the cursor, or the text of a span.
func (p *waterfall) Scroll(lines int) {
	if p.detail {
		p.detailView.ScrollBy(lines, false)
		return
	}
	p.At = min(max(p.At+lines, 0), max(len(p.rows)-1, 0))
}

// Position describes which part is in view.
func (p *waterfall) Position() string {
	if p.detail {
		return p.detailView.Position()
	}
	return p.Viewport.Position()
}

// style is the theme for pkg/trace/draw.
func (p *waterfall) style() draw.Style {
	state := p.state
	return draw.Style{ASCII: state.ASCII, Linear: state.Linear, Name: state.ServiceName, Paint: func(t draw.Tone, text string) string {
		switch t {
		case draw.Good:
			return state.Good.Paint(text)
		case draw.Warn:
			return state.Warn.Paint(text)
		case draw.Bad:
			return state.Bad.Paint(text)
		case draw.Info:
			return state.Info.Paint(text)
		case draw.Faint:
			return state.Faint.Paint(text)
		case draw.Bold:
			return state.Bold.Paint(text)
		case draw.Path:
			return state.Accent.Paint(text)
		}
		return text
	}}
}

// Render draws the trace, or the span that is open.
func (p *waterfall) Render(width, height int) string {
	switch {
	case p.fail != "":
		return strings.Join(p.state.Warn.PaintLines(style.Wrap(p.fail, width)), "\n")
	case p.t == nil:
		return p.state.Faint.Paint("loading the trace")
	case p.detail:
		lines := p.facts(width)
		from, to := p.detailView.Window(len(lines), height)
		return strings.Join(lines[from:to], "\n")
	}
	head := p.header(width, height)
	lines := p.lines(width)
	body := p.DrawRows(len(lines), height-len(head), func(i int, selected bool) []string {
		switch {
		case p.state.Linear && selected:
			return p.state.MarkRow(lines[i], true, width)
		case selected:
			return []string{p.state.Highlight(p.state.Fit(p.state.Mark+" "+lines[i], width))}
		}
		return []string{p.state.Truncate("  "+lines[i], width)}
	})
	return strings.Join(append(head, body...), "\n")
}

// header describes the trace, as far as there is room.
func (p *waterfall) header(width, height int) []string {
	if height < 6 {
		return nil
	}
	s := p.style()
	began := p.t.Start.In(p.state.Now().Location()).Format("15:04:05.000")
	head := []string{p.state.Truncate(fmt.Sprintf("%s  %s  %s  %s  %s", p.state.Bold.Paint(p.t.ID.Short()), p.state.Bold.Paint(s.Duration(p.t.Duration())),
		humanize.Count(len(p.t.Spans), "span"), humanize.Count(len(p.t.Services), "service"), p.state.Faint.Paint("at "+began)), width)}
	if path := s.Path(p.t, 3); path != "" && height >= 10 {
		head = append(head, p.state.Truncate(path, width))
	}
	return head
}

// lines are the lines of the waterfall, drawn again only when something has changed.
func (p *waterfall) lines(width int) []string {
	d := drawnTrace{t: p.t, theme: p.state.Theme, width: width, names: len(p.state.Services())}
	if p.drawn.t != d.t || p.drawn.theme != d.theme || p.drawn.width != d.width || p.drawn.names != d.names {
		d.lines = draw.Waterfall(p.t, width-2, p.style())
		p.drawn = d
	}
	return p.drawn.lines
}

// facts is everything known about the selected span.
func (p *waterfall) facts(width int) []string {
	state, row, s := p.state, p.rows[p.At], p.style()
	span := row.Of()
	title := state.Bold.Paint(s.Label(span.Record)) + "  " + s.Took(span)
	if span.Error {
		title += "  " + state.Bad.Paint("failed")
	}
	lines := []string{state.Truncate(title, width)}
	fact := func(name, value string) {
		if value != "" {
			lines = append(lines, style.Hang(state.Faint.Paint(state.Fit(style.Clean(name), factWidth))+" ", style.Clean(value), width)...)
		}
	}
	fact("span", span.Span.String()+" ("+span.Kind.String()+")")
	if span.Up != nil {
		fact("parent", span.Up.Span.String()+" "+s.Label(span.Up.Record))
	}
	if span.Timed() {
		fact("start", span.Start.In(state.Now().Location()).Format("15:04:05.000")+", "+s.Duration(span.Start.Sub(p.t.Start))+" into the trace")
	} else {
		fact("start", "unknown")
	}
	if own := span.OwnTime(); own > 0 {
		fact("self time", s.Duration(own)+" of the critical path")
	}
	fact("status", strings.TrimSpace(span.Code+" "+span.Message))
	fact("fault", strings.TrimSpace(span.Fault+" "+span.Effect))
	for _, a := range span.Attributes {
		fact(a.Key, a.Value)
	}
	for _, e := range span.Events {
		text := e.Name
		for _, a := range e.Attributes {
			text += " " + a.Key + "=" + a.Value
		}
		name := "event"
		if at := e.Time.Sub(p.t.Start); p.t.Timed() && at.Abs() <= trace.Far {
			name += " " + s.Duration(at)
		}
		fact(name, text)
	}
	for _, l := range span.Links {
		fact("linked to", l.String())
	}
	for _, a := range span.Resource {
		fact(a.Key, a.Value)
	}
	return lines
}

// factWidth is the width of the column of names: most attributes fit.
const factWidth = 26
