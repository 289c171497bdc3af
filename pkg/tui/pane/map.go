package pane

import (
	"strings"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/topology"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Map shows which service calls which, the traffic of each edge, and the effects of active faults.
type Map struct {
	state  *State
	fail   string
	scroll style.Viewport
	// caller and callee are the edge that is marked, empty if there is none; pointed is true once it has been brought
	// into view.
	caller, callee string
	pointed        bool
}

// NewMap returns the map of calls.
func NewMap(state *State) *Map { return &Map{state: state} }

// Point marks an edge; two empty names remove the mark.
func (p *Map) Point(caller, callee string) { p.caller, p.callee, p.pointed = caller, callee, false }

func (p *Map) Query() feed.Query { return feed.Query{Topic: feed.TopicMap} }

func (p *Map) Apply(s *feed.Result) { p.fail = s.Failure }

func (p *Map) Forget() {}

// Scroll moves the view.
func (p *Map) Scroll(lines int) { p.scroll.ScrollBy(lines, false) }

// Filter returns nil: a map is not a list.
func (p *Map) Filter() *string { return nil }

// Position describes which part is in view.
func (p *Map) Position() string { return p.scroll.Position() }

// Render draws the map.
func (p *Map) Render(width, height int) string {
	switch {
	case p.state.Status == nil:
		return waiting(p.state, width)
	case p.fail != "":
		return strings.Join(p.state.Warn.PaintLines(style.Wrap(p.fail, width)), "\n")
	case p.state.Topology == nil:
		return p.state.Faint.Paint("loading the map")
	}
	lines, at := p.text(width)
	if at >= 0 && !p.pointed {
		p.pointed = true
		p.scroll.Height = height
		p.scroll.Reveal(at, at+1)
	}
	from, to := p.scroll.Window(len(lines), height)
	return strings.Join(lines[from:to], "\n")
}

// minMapWidth is the width below which the map's columns do not fit, and sentences are shown.
const minMapWidth = 70

// text is the map as the command line draws it, and the line of the marked edge, -1 if there is none.
func (p *Map) text(width int) (lines []string, at int) {
	state := p.state
	at = -1
	words := state.Linear || width < minMapWidth
	here := func(caller, callee string) bool {
		return p.caller != "" && state.ServiceName(caller) == state.ServiceName(p.caller) && state.ServiceName(callee) == state.ServiceName(p.callee)
	}
	look := topology.Style{ASCII: state.ASCII, Linear: words, Here: here, Paint: func(t topology.Tone, text string) string {
		switch t {
		case topology.Good:
			return state.Good.Paint(text)
		case topology.Bad:
			return state.Bad.Paint(text)
		case topology.Warn:
			return state.Warn.Paint(text)
		case topology.Faint:
			return state.Faint.Paint(text)
		}
		return text
	}}
	for _, line := range topology.Text(control.TopologyMap(state.Topology), look) {
		here := at < 0 && strings.Contains(line, topology.HereMark)
		if here {
			at = len(lines)
		}
		switch {
		case words && here:
			lines = append(lines, state.MarkRow(strings.Replace(line, " "+topology.HereMark, "", 1), true, width)...)
		case words:
			lines = append(lines, style.Hang("", line, width)...)
		case here:
			lines = append(lines, state.Highlight(state.Fit(line, width)))
		default:
			lines = append(lines, state.Truncate(line, width))
		}
	}
	return lines, at
}
