package tui

import (
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/draw"
)

// waterfall is one trace, a line for each span, and the span that is chosen in it.
type waterfall struct {
	w    *world
	id   string // or newest
	t    *trace.Trace
	rows []draw.Row
	fail string
	// seek is the id of the span to choose once the trace is there; empty: none.
	seek string
	choice
	// detail shows all of the chosen span in place of the waterfall.
	detail  bool
	reading scroll // of the detail
	drawn   drawnTrace
}

// drawnTrace is the waterfall as it was drawn last, and for what.
type drawnTrace struct {
	t     *trace.Trace
	theme *theme
	width int
	names int // of services, which are told after the first traces
	lines []string
}

func newWaterfall(w *world, id string) *waterfall { return &waterfall{w: w, id: id} }

func (p *waterfall) take(s *seen) {
	if s.trace == nil {
		p.fail = s.fail
		return
	}
	if p.t == nil || p.t.ID != s.trace.ID {
		p.at, p.scroll = 0, scroll{}
	}
	p.t, p.rows, p.fail = s.trace, draw.Rows(s.trace), ""
	p.at = min(p.at, max(len(p.rows)-1, 0))
	for i, row := range p.rows {
		if p.seek != "" && row.Of().Span.String() == p.seek {
			p.at, p.seek = i, ""
		}
	}
}

// traceID is the id of what is shown.
func (p *waterfall) traceID() string {
	if p.t != nil {
		return p.t.ID.String()
	}
	if p.id == newest {
		return ""
	}
	return p.id
}

// spanID is the id of the span that is open, empty while none is.
func (p *waterfall) spanID() string {
	if !p.detail || p.at >= len(p.rows) {
		return ""
	}
	return p.rows[p.at].Of().Span.String()
}

// Scroll moves the choice of a span, or the text of one.
func (p *waterfall) Scroll(lines int) {
	if p.detail {
		p.reading.by(lines, false)
		return
	}
	p.at = min(max(p.at+lines, 0), max(len(p.rows)-1, 0))
}

// Position says which part is in view.
func (p *waterfall) Position() string {
	if p.detail {
		return p.reading.place()
	}
	return p.scroll.place()
}

// style is the screen's look for pkg/trace/draw.
func (p *waterfall) style() draw.Style {
	w := p.w
	return draw.Style{ASCII: w.ascii, Linear: w.linear, Name: w.serviceName, Paint: func(t draw.Tone, text string) string {
		switch t {
		case draw.Good:
			return w.good.paint(text)
		case draw.Warn:
			return w.warn.paint(text)
		case draw.Bad:
			return w.bad.paint(text)
		case draw.Info:
			return w.info.paint(text)
		case draw.Faint:
			return w.faint.paint(text)
		case draw.Bold:
			return w.bold.paint(text)
		case draw.Path:
			return w.accent.paint(text)
		}
		return text
	}}
}

// Render draws the trace, or the span that is open.
func (p *waterfall) Render(width, height int) string {
	switch {
	case p.fail != "":
		return strings.Join(p.w.warn.each(wrap(p.fail, width)), "\n")
	case p.t == nil:
		return p.w.faint.paint("asking for the trace")
	case p.detail:
		lines := p.facts(width)
		from, to := p.reading.window(len(lines), height)
		return strings.Join(lines[from:to], "\n")
	}
	head := p.head(width, height)
	lines := p.lines(width)
	body := p.render(len(lines), height-len(head), func(i int, chosen bool) []string {
		switch {
		case p.w.linear && chosen:
			return p.w.marked(lines[i], true, width)
		case chosen:
			return []string{p.w.highlight(p.w.fit(p.w.mark+" "+lines[i], width))}
		}
		return []string{p.w.cut("  "+lines[i], width)}
	})
	return strings.Join(append(head, body...), "\n")
}

// head says what the trace is, as far as there is room for that.
func (p *waterfall) head(width, height int) []string {
	if height < 6 {
		return nil
	}
	s := p.style()
	began := p.t.Start.In(p.w.now().Location()).Format("15:04:05.000")
	head := []string{p.w.cut(fmt.Sprintf("%s  %s  %s  %s  %s", p.w.bold.paint(p.t.ID.String()[:8]), p.w.bold.paint(s.Duration(p.t.Duration())),
		humanize.Count(len(p.t.Spans), "span"), humanize.Count(len(p.t.Services), "service"), p.w.faint.paint("at "+began)), width)}
	if path := s.Path(p.t, 3); path != "" && height >= 10 {
		head = append(head, p.w.cut(path, width))
	}
	return head
}

// lines are the waterfall's, drawn anew when something is different.
func (p *waterfall) lines(width int) []string {
	d := drawnTrace{t: p.t, theme: p.w.theme, width: width, names: len(p.w.services())}
	if p.drawn.t != d.t || p.drawn.theme != d.theme || p.drawn.width != d.width || p.drawn.names != d.names {
		d.lines = draw.Waterfall(p.t, width-2, p.style())
		p.drawn = d
	}
	return p.drawn.lines
}

// facts is all that is known of the chosen span.
func (p *waterfall) facts(width int) []string {
	w, row, s := p.w, p.rows[p.at], p.style()
	span := row.Of()
	title := w.bold.paint(s.Label(span.Record)) + "  " + s.Duration(span.Duration())
	if span.Error {
		title += "  " + w.bad.paint("failed")
	}
	lines := []string{w.cut(title, width)}
	fact := func(name, value string) {
		if value != "" {
			lines = append(lines, hang(w.faint.paint(w.fit(clean(name), factWidth))+" ", clean(value), width)...)
		}
	}
	fact("span", span.Span.String()+" ("+span.Kind.String()+")")
	if span.Up != nil {
		fact("parent", span.Up.Span.String()+" "+s.Label(span.Up.Record))
	}
	fact("began", span.Start.In(w.now().Location()).Format("15:04:05.000")+", "+s.Duration(span.Start.Sub(p.t.Start))+" after the trace")
	if own := span.OwnTime(); own > 0 {
		fact("own", s.Duration(own)+" of the critical path are its own")
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
		fact("event "+s.Duration(e.Time.Sub(p.t.Start)), text)
	}
	for _, a := range span.Resource {
		fact(a.Key, a.Value)
	}
	return lines
}

// factWidth is the column of a span's facts: as long as the names of most attributes are.
const factWidth = 26
