package pane

import (
	"slices"
	"strings"
	"time"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Traces lists traces, newest first, and shows one of them as a waterfall.
type Traces struct {
	state *State
	// all lists the traces of every service in place of the selected one's.
	all      bool
	list     *controlpb.ListTracesResponse
	of       string // service of the list
	fail     string
	selected string // id; empty: whichever is the newest
	scroll   style.Viewport
	filter   string
	open     *waterfall // nil: the list
}

// NewTraces returns the list of the traces of all services.
func NewTraces(state *State) *Traces { return &Traces{state: state, all: true} }

// Query is the data that the pane needs.
func (p *Traces) Query() feed.Query {
	s := feed.Query{Topic: feed.TopicTraces}
	_, s.ErrorsOnly, s.MinDuration = p.words()
	if !p.all {
		s.Service = p.state.Selected
	}
	if p.open != nil {
		s.Trace = p.open.id
		if s.Trace != feed.Newest {
			s.Service, s.ErrorsOnly, s.MinDuration = "", false, 0
		}
	}
	return s
}

// Apply shows the result of a query.
func (p *Traces) Apply(s *feed.Result) {
	if p.open != nil {
		p.open.apply(s)
		return
	}
	p.fail = s.Failure
	if s.Traces != nil {
		p.list = s.Traces
	}
}

// Forget drops the data of another query; the list stays while one of its traces is open.
func (p *Traces) Forget() {
	if p.open != nil {
		return
	}
	p.fail = ""
	if service := p.Query().Service; p.of != service {
		p.list, p.of = nil, service
	}
}

// words splits the filter: into words that a trace must contain, and conditions that the daemon applies to all traces
// that it keeps: "error", and a duration such as ">200ms".
func (p *Traces) words() (text []string, failed bool, slower time.Duration) {
	for _, word := range strings.Fields(p.filter) {
		least, err := time.ParseDuration(strings.TrimPrefix(word, ">"))
		switch {
		case word == "error" || word == "errors":
			failed = true
		case word[0] == '>' && err == nil:
			slower = least
		case word[0] != '>': // an incomplete duration is ignored
			text = append(text, word)
		}
	}
	return text, failed, slower
}

// FilterHint names the words that have a meaning.
func (p *Traces) FilterHint() string { return "words, error, >200ms" }

// rows are the traces that match the filter.
func (p *Traces) rows() []*controlpb.TraceSummary {
	words, failed, slower := p.words()
	if len(words) == 0 && !failed && slower == 0 {
		return p.list.GetTraces()
	}
	var rows []*controlpb.TraceSummary
	for _, t := range p.list.GetTraces() {
		text := t.GetTraceId() + " " + p.root(t) + " " + strings.Join(p.services(t), " ")
		misses := func(word string) bool { return !style.ContainsFold(text, word) }
		if slices.ContainsFunc(words, misses) || failed && t.GetErrors() == 0 && !t.GetFailed() || t.GetDuration().AsDuration() < slower {
			continue
		}
		rows = append(rows, t)
	}
	return rows
}

func (p *Traces) at(rows []*controlpb.TraceSummary) int {
	return max(0, slices.IndexFunc(rows, func(t *controlpb.TraceSummary) bool { return t.GetTraceId() == p.selected }))
}

// Trace is the id of the trace that keys act on, empty if there is none.
func (p *Traces) Trace() string {
	if p.open != nil {
		return p.open.traceID()
	}
	if rows := p.rows(); len(rows) > 0 {
		return rows[p.at(rows)].GetTraceId()
	}
	return ""
}

// Span is the id of the span that is open, empty if there is none.
func (p *Traces) Span() string {
	if p.open == nil {
		return ""
	}
	return p.open.spanID()
}

// Scroll moves the cursor; at the top it follows the newest trace.
func (p *Traces) Scroll(lines int) {
	if p.open != nil {
		p.open.Scroll(lines)
		return
	}
	rows := p.rows()
	if len(rows) == 0 {
		return
	}
	i := min(max(p.at(rows)+lines, 0), len(rows)-1)
	p.selected = rows[i].GetTraceId()
	if i == 0 {
		p.selected = ""
	}
}

// Depth is 0 in the list, 1 in a trace, 2 in a span.
func (p *Traces) Depth() int {
	switch {
	case p.open == nil:
		return 0
	case !p.open.detail:
		return 1
	}
	return 2
}

// Out goes one level up, from a span or from a trace; false in the list.
func (p *Traces) Out() bool {
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

// Service is the service whose traces are listed, empty for those of all services.
func (p *Traces) Service() string {
	if p.all {
		return ""
	}
	return p.state.Selected
}

// IsOpen reports whether one trace is shown in place of the list.
func (p *Traces) IsOpen() bool { return p.open != nil }

// Follows reports whether the newest trace is shown, and each newer one in turn.
func (p *Traces) Follows() bool { return p.open != nil && p.open.id == feed.Newest }

// ToggleAll lists the traces of all services, or of the selected one again.
func (p *Traces) ToggleAll() { p.all = !p.all }

// List goes to the list: of all services, or of the selected one.
func (p *Traces) List(all bool) { p.all, p.open, p.selected = all, nil, "" }

// Open shows a trace, with the cursor on one of its spans if span is not empty. The list behind it is that of all
// services, or of the selected one.
func (p *Traces) Open(trace, span string, all bool) {
	p.List(all)
	p.filter, p.selected = "", trace
	if trace != "" {
		p.open = newWaterfall(p.state, trace)
		p.open.seek = span
	}
}

// In opens the selected trace, or in a trace the selected span.
func (p *Traces) In() {
	if p.open != nil {
		p.open.detail = p.open.t != nil
		p.open.detailView = style.Viewport{}
		return
	}
	if id := p.Trace(); id != "" {
		p.selected = id
		p.open = newWaterfall(p.state, id)
	}
}

// Follow shows the newest trace and each newer one in turn, or goes back to the list.
func (p *Traces) Follow() {
	if p.Follows() {
		p.open = nil
		return
	}
	p.open = newWaterfall(p.state, feed.Newest)
}

// Filter returns the list's filter; a waterfall has none.
func (p *Traces) Filter() *string {
	if p.open != nil {
		return nil
	}
	return &p.filter
}

// Position describes which part is in view, and whether the cursor follows the newest trace.
func (p *Traces) Position() string {
	if p.open != nil {
		return p.open.Position()
	}
	place := p.scroll.Position()
	if p.selected == "" && len(p.rows()) > 0 {
		return strings.TrimPrefix(place+", newest first", ", ")
	}
	return place
}

// Render draws the list, or the trace that is open.
func (p *Traces) Render(width, height int) string {
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
	lines := []string{p.state.Faint.Paint(p.state.Fit(g.head(p.state.Theme), width))}
	at := p.at(rows)
	p.scroll.Height = max(height-1, 1)
	p.scroll.Reveal(at, at+1)
	from, to := p.scroll.Window(len(rows), height-1)
	for i := from; i < to; i++ {
		lines = append(lines, p.row(rows[i], g, i == at, longest, width))
	}
	return strings.Join(lines, "\n")
}

func (p *Traces) nothing(width int) string {
	text := "no traces yet; each request to the shop creates one"
	switch {
	case p.state.Status == nil:
		return waiting(p.state, width)
	case p.fail != "":
		text = p.fail
	case p.list == nil:
		text = "loading traces"
	case p.filter != "" && len(p.list.GetTraces()) > 0:
		text = "no trace matches " + p.filter
	case !p.all:
		text = "no traces of " + p.state.Selected + " yet; a shows those of all services"
	}
	return strings.Join(p.state.Faint.PaintLines(style.Wrap(text, width)), "\n")
}
