package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// tracesPane lists traces, the newest first, and shows one of them as a waterfall.
type tracesPane struct {
	w *world
	// all shows the traces of every service in place of the chosen one's.
	all    bool
	list   *controlpb.ListTracesResponse
	of     string // whose traces the list holds
	fail   string
	chosen string // id; empty: the newest, whichever that is
	scroll scroll
	filter string
	open   *waterfall // nil: the list
}

// sight is what the pane wants to be asked for.
func (p *tracesPane) sight() sight {
	s := sight{pane: paneTraces}
	if !p.all {
		s.service = p.w.chosen
	}
	if p.open != nil {
		s.trace = p.open.id
		if s.trace != newest {
			s.service = ""
		}
	}
	return s
}

// take shows what came of asking.
func (p *tracesPane) take(s *seen) {
	if p.open != nil {
		p.open.take(s)
		return
	}
	p.fail = s.fail
	if s.traces != nil {
		p.list = s.traces
	}
}

// forget drops what belongs to another question; the list stays while one of its traces is open.
func (p *tracesPane) forget() {
	if p.open != nil {
		return
	}
	p.fail = ""
	if service := p.sight().service; p.of != service {
		p.list, p.of = nil, service
	}
}

// rows are the traces that the filter leaves.
func (p *tracesPane) rows() []*controlpb.TraceSummary {
	if p.filter == "" {
		return p.list.GetTraces()
	}
	var rows []*controlpb.TraceSummary
	for _, t := range p.list.GetTraces() {
		text := t.GetTraceId() + " " + p.root(t) + " " + p.errors(t) + " " + strings.Join(p.services(t), " ")
		if matches(text, p.filter) {
			rows = append(rows, t)
		}
	}
	return rows
}

func (p *tracesPane) at(rows []*controlpb.TraceSummary) int {
	return max(0, slices.IndexFunc(rows, func(t *controlpb.TraceSummary) bool { return t.GetTraceId() == p.chosen }))
}

// trace is the id of the trace that keys act on, empty if there is none.
func (p *tracesPane) trace() string {
	if p.open != nil {
		return p.open.traceID()
	}
	if rows := p.rows(); len(rows) > 0 {
		return rows[p.at(rows)].GetTraceId()
	}
	return ""
}

// Scroll moves the choice; at the top it follows the newest trace.
func (p *tracesPane) Scroll(lines int) {
	if p.open != nil {
		p.open.Scroll(lines)
		return
	}
	rows := p.rows()
	if len(rows) == 0 {
		return
	}
	i := min(max(p.at(rows)+lines, 0), len(rows)-1)
	p.chosen = rows[i].GetTraceId()
	if i == 0 {
		p.chosen = ""
	}
}

// Out goes one step out: of a span, or of a trace; false from the list.
func (p *tracesPane) Out() bool {
	switch {
	case p.open == nil:
		return false
	case p.open.detail:
		p.open.detail = false
	default:
		p.open = nil
	}
	return true
}

// In opens the chosen trace, or in a trace the chosen span.
func (p *tracesPane) In() {
	if p.open != nil {
		p.open.detail = p.open.t != nil
		p.open.reading = scroll{}
		return
	}
	if id := p.trace(); id != "" {
		p.chosen = id
		p.open = newWaterfall(p.w, id)
	}
}

// Follow shows the newest trace and each that follows, or ends that.
func (p *tracesPane) Follow() {
	if p.open != nil && p.open.id == newest {
		p.open = nil
		return
	}
	p.open = newWaterfall(p.w, newest)
}

// Filter returns the list's filter; a waterfall has none.
func (p *tracesPane) Filter() *string {
	if p.open != nil {
		return nil
	}
	return &p.filter
}

// Place says which part is in view, and whether it follows.
func (p *tracesPane) Place() string {
	if p.open != nil {
		return p.open.Place()
	}
	place := p.scroll.place()
	if p.chosen == "" && len(p.rows()) > 0 {
		return strings.TrimPrefix(place+", newest first", ", ")
	}
	return place
}

// Render draws the list, or the trace that is open.
func (p *tracesPane) Render(width, height int) string {
	if p.open != nil {
		return p.open.Render(width, height)
	}
	rows := p.rows()
	if p.fail != "" || len(rows) == 0 {
		return p.nothing(width)
	}
	longest := time.Duration(1)
	for _, t := range rows {
		longest = max(longest, t.GetDuration().AsDuration())
	}
	g := p.grid(width)
	lines := []string{p.w.faint.paint(p.w.fit(g.head(p.w.theme), width))}
	at := p.at(rows)
	p.scroll.height = max(height-1, 1)
	p.scroll.reveal(at, at+1)
	from, to := p.scroll.window(len(rows), height-1)
	for i := from; i < to; i++ {
		lines = append(lines, p.row(rows[i], g, i == at, longest, width))
	}
	return strings.Join(lines, "\n")
}

func (p *tracesPane) nothing(width int) string {
	text := "no trace yet; each request to the shop is one"
	switch {
	case p.w.status == nil:
		return waiting(p.w, width)
	case p.fail != "":
		text = p.fail
	case p.list == nil:
		text = "asking for traces"
	case p.filter != "" && len(p.list.GetTraces()) > 0:
		text = "no trace matches " + p.filter
	case !p.all:
		text = "no trace of " + p.w.chosen + " yet; a shows those of all services"
	}
	return strings.Join(p.w.faint.each(wrap(text, width)), "\n")
}

// traceGrid is which columns the list has, and how wide those are that vary.
type traceGrid struct {
	id, spans, services bool
	bar, root           int
}

func (p *tracesPane) grid(width int) traceGrid {
	g := traceGrid{id: width >= 70, spans: width >= 60, services: width >= 100}
	left := width - 2 - 10 - 9 - 2 - resultWidth
	if g.id {
		left -= 10
	}
	if g.spans {
		left -= 7
	}
	if width >= 60 && !p.w.linear {
		g.bar = min(width/10, 12)
		left -= g.bar + 2
	}
	g.root = left
	if g.services {
		g.root = min(left, 30)
	}
	return g
}

// resultWidth is as wide as most results: "● 12 errors".
const resultWidth = 11

func (g traceGrid) head(t *theme) string {
	text := "  " + t.fit("TIME", 10)
	if g.id {
		text += t.fit("TRACE", 10)
	}
	text += t.right("TOOK", 7) + "  "
	if g.bar > 0 {
		text += spaces(g.bar + 2)
	}
	if g.spans {
		text += t.right("SPANS", 5) + "  "
	}
	text += t.fit("ROOT", g.root) + "  " + t.fit("RESULT", resultWidth)
	if g.services {
		text += "  SERVICES"
	}
	return text
}

func (p *tracesPane) row(s *controlpb.TraceSummary, g traceGrid, chosen bool, longest time.Duration, width int) string {
	w := p.w
	mark := "  "
	if chosen {
		mark = w.mark + " "
	}
	text := mark + w.faint.paint(s.GetStart().AsTime().In(w.now().Location()).Format("15:04:05")) + "  "
	if g.id {
		text += w.fit(short(s.GetTraceId()), 8) + "  "
	}
	took := s.GetDuration().AsDuration()
	text += w.right(millis(float64(took)/1e6), 7) + "  "
	if g.bar > 0 {
		n := min(max(int(float64(took)/float64(longest)*float64(g.bar)+0.5), 1), g.bar)
		text += w.info.paint(strings.Repeat(w.bar, n)) + spaces(g.bar-n+2)
	}
	if g.spans {
		text += w.right(fmt.Sprint(s.GetSpans()), 5) + "  "
	}
	text += w.fit(p.root(s), g.root) + "  "
	tone, symbol := w.good, w.ok
	switch {
	case s.GetFailed():
		tone, symbol = w.bad, w.broken
	case s.GetErrors() > 0:
		tone, symbol = w.warn, w.alert
	}
	if w.linear {
		symbol = ""
	}
	text += tone.paint(w.fit(strings.TrimSpace(symbol+" "+p.errors(s)), resultWidth))
	if g.services {
		text += "  " + w.faint.paint(strings.Join(p.services(s), " "))
	}
	text = w.fit(text, width)
	if chosen {
		text = w.highlight(text)
	}
	return text
}

func (p *tracesPane) errors(s *controlpb.TraceSummary) string {
	switch n := int(s.GetErrors()); {
	case n > 0:
		return plural(n, "error")
	case s.GetFailed():
		return "failed"
	}
	return "ok"
}

func (p *tracesPane) root(s *controlpb.TraceSummary) string {
	name := clean(s.GetRootName())
	if i := strings.LastIndexByte(name, '/'); i > 0 && i < len(name)-1 && !strings.Contains(name, " ") {
		name = name[i+1:]
	}
	return p.w.serviceName(clean(s.GetRootService())) + " " + name
}

func (p *tracesPane) services(s *controlpb.TraceSummary) []string {
	var names []string
	for _, name := range s.GetServices() {
		names = append(names, p.w.serviceName(clean(name)))
	}
	return names
}

// short is the beginning of an id, which is enough to tell it from others.
func short(id string) string { return clean(id[:min(len(id), 8)]) }

// serviceName is what people call a service that spans name by its workload.
func (w *world) serviceName(name string) string {
	for _, s := range w.services() {
		if s.GetWorkload() == name {
			return s.GetName()
		}
	}
	return name
}
