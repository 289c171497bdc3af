package tui

import (
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

// newTraces returns the list of the traces of all services.
func newTraces(w *world) *tracesPane { return &tracesPane{w: w, all: true} }

// sight is what the pane wants to be asked for.
func (p *tracesPane) sight() sight {
	s := sight{topic: topicTraces}
	_, s.failed, s.slower = p.words()
	if !p.all {
		s.service = p.w.chosen
	}
	if p.open != nil {
		s.trace = p.open.id
		if s.trace != newest {
			s.service, s.failed, s.slower = "", false, 0
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

// words are the filter's: those that a trace must hold, and what the daemon looks for among all that it
// keeps: "error", and a duration as in ">200ms".
func (p *tracesPane) words() (text []string, failed bool, slower time.Duration) {
	for _, word := range strings.Fields(p.filter) {
		least, err := time.ParseDuration(strings.TrimPrefix(word, ">"))
		switch {
		case word == "error" || word == "errors":
			failed = true
		case word[0] == '>' && err == nil:
			slower = least
		case word[0] != '>': // of a duration, the beginning
			text = append(text, word)
		}
	}
	return text, failed, slower
}

// FilterHint tells which words mean more than their letters.
func (p *tracesPane) FilterHint() string { return "words, error, >200ms" }

// rows are the traces that the filter leaves.
func (p *tracesPane) rows() []*controlpb.TraceSummary {
	words, failed, slower := p.words()
	if len(words) == 0 && !failed && slower == 0 {
		return p.list.GetTraces()
	}
	var rows []*controlpb.TraceSummary
	for _, t := range p.list.GetTraces() {
		text := t.GetTraceId() + " " + p.root(t) + " " + strings.Join(p.services(t), " ")
		misses := func(word string) bool { return !matches(text, word) }
		if slices.ContainsFunc(words, misses) || failed && t.GetErrors() == 0 && !t.GetFailed() || t.GetDuration().AsDuration() < slower {
			continue
		}
		rows = append(rows, t)
	}
	return rows
}

func (p *tracesPane) at(rows []*controlpb.TraceSummary) int {
	return max(0, slices.IndexFunc(rows, func(t *controlpb.TraceSummary) bool { return t.GetTraceId() == p.chosen }))
}

// trace is the id of the trace that keys act on, empty if there is none.
func (p *tracesPane) Trace() string {
	if p.open != nil {
		return p.open.traceID()
	}
	if rows := p.rows(); len(rows) > 0 {
		return rows[p.at(rows)].GetTraceId()
	}
	return ""
}

// span is the id of the span that is open, empty while none is.
func (p *tracesPane) Span() string {
	if p.open == nil {
		return ""
	}
	return p.open.spanID()
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

// Depth is 0 in the list, 1 in a trace, 2 in a span.
func (p *tracesPane) Depth() int {
	switch {
	case p.open == nil:
		return 0
	case !p.open.detail:
		return 1
	}
	return 2
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

// Service is the chosen service where its traces alone are listed, empty where those of all services are.
func (p *tracesPane) Service() string {
	if p.all {
		return ""
	}
	return p.w.chosen
}

// IsOpen reports whether one trace is shown in place of the list.
func (p *tracesPane) IsOpen() bool { return p.open != nil }

// Follows reports whether the newest trace is shown, and each that follows.
func (p *tracesPane) Follows() bool { return p.open != nil && p.open.id == newest }

// ToggleAll lists the traces of all services, or of the chosen one again.
func (p *tracesPane) ToggleAll() { p.all = !p.all }

// List goes to the list: of all services, or of the chosen one.
func (p *tracesPane) List(all bool) { p.all, p.open, p.chosen = all, nil, "" }

// Open shows a trace, with the cursor on one of its spans if span is not empty. The list behind it is that of all
// services, or of the chosen one.
func (p *tracesPane) Open(trace, span string, all bool) {
	p.List(all)
	p.filter, p.chosen = "", trace
	if trace != "" {
		p.open = newWaterfall(p.w, trace)
		p.open.seek = span
	}
}

// In opens the chosen trace, or in a trace the chosen span.
func (p *tracesPane) In() {
	if p.open != nil {
		p.open.detail = p.open.t != nil
		p.open.reading = scroll{}
		return
	}
	if id := p.Trace(); id != "" {
		p.chosen = id
		p.open = newWaterfall(p.w, id)
	}
}

// Follow shows the newest trace and each that follows, or ends that.
func (p *tracesPane) Follow() {
	if p.Follows() {
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

// Position says which part is in view, and whether it follows.
func (p *tracesPane) Position() string {
	if p.open != nil {
		return p.open.Position()
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
