package tui

import (
	"strings"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/topology"
)

// mapPane shows who calls whom, how that goes, and what the active faults do.
type mapPane struct {
	w      *world
	fail   string
	scroll scroll
	// caller and callee are the edge that is pointed at, empty if none is; pointed tells that it was shown.
	caller, callee string
	pointed        bool
}

// newMap returns the map of calls.
func newMap(w *world) *mapPane { return &mapPane{w: w} }

// Point points at an edge; two empty names end that.
func (p *mapPane) Point(caller, callee string) { p.caller, p.callee, p.pointed = caller, callee, false }

func (p *mapPane) sight() sight { return sight{topic: topicMap} }

func (p *mapPane) take(s *seen) { p.fail = s.fail }

func (p *mapPane) forget() {}

// Scroll moves the view.
func (p *mapPane) Scroll(lines int) { p.scroll.by(lines, false) }

// Filter returns nil: a map is no list.
func (p *mapPane) Filter() *string { return nil }

// Position says which part is in view.
func (p *mapPane) Position() string { return p.scroll.place() }

// Render draws the map.
func (p *mapPane) Render(width, height int) string {
	switch {
	case p.w.status == nil:
		return waiting(p.w, width)
	case p.fail != "":
		return strings.Join(p.w.warn.each(wrap(p.fail, width)), "\n")
	case p.w.topology == nil:
		return p.w.faint.paint("asking for the map")
	}
	lines, at := p.text(width)
	if at >= 0 && !p.pointed {
		p.pointed = true
		p.scroll.height = height
		p.scroll.reveal(at, at+1)
	}
	from, to := p.scroll.window(len(lines), height)
	return strings.Join(lines[from:to], "\n")
}

// narrow is below which width the map's columns do not fit, and sentences say the same.
const narrow = 70

// text is the map as the command line draws it, and the line of the edge that is pointed at, -1 if none is.
func (p *mapPane) text(width int) (lines []string, at int) {
	w := p.w
	at = -1
	words := w.linear || width < narrow
	here := func(caller, callee string) bool {
		return p.caller != "" && w.serviceName(caller) == w.serviceName(p.caller) && w.serviceName(callee) == w.serviceName(p.callee)
	}
	style := topology.Style{ASCII: w.ascii, Linear: words, Here: here, Paint: func(t topology.Tone, text string) string {
		switch t {
		case topology.Good:
			return w.good.paint(text)
		case topology.Bad:
			return w.bad.paint(text)
		case topology.Warn:
			return w.warn.paint(text)
		case topology.Faint:
			return w.faint.paint(text)
		}
		return text
	}}
	for _, line := range topology.Text(control.TopologyMap(w.topology), style) {
		here := at < 0 && strings.Contains(line, topology.HereMark)
		if here {
			at = len(lines)
		}
		switch {
		case words && here:
			lines = append(lines, w.marked(strings.Replace(line, " "+topology.HereMark, "", 1), true, width)...)
		case words:
			lines = append(lines, hang("", line, width)...)
		case here:
			lines = append(lines, w.highlight(w.fit(line, width)))
		default:
			lines = append(lines, w.cut(line, width))
		}
	}
	return lines, at
}
