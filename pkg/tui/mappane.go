package tui

import (
	"strings"

	"github.com/shopctl/shopctl/pkg/topology"
)

// mapPane shows who calls whom, how that goes, and what the active faults do.
type mapPane struct {
	w      *world
	fail   string
	scroll scroll
}

func (p *mapPane) sight() sight { return sight{pane: paneMap} }

func (p *mapPane) take(s *seen) { p.fail = s.fail }

func (p *mapPane) forget() {}

// Scroll moves the view.
func (p *mapPane) Scroll(lines int) { p.scroll.by(lines, false) }

// Filter returns nil: a map is no list.
func (p *mapPane) Filter() *string { return nil }

// Place says which part is in view.
func (p *mapPane) Place() string { return p.scroll.place() }

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
	lines := p.text(width)
	from, to := p.scroll.window(len(lines), height)
	return strings.Join(lines[from:to], "\n")
}

// narrow is below which width the map's columns do not fit, and sentences say the same.
const narrow = 70

// text is the map as the command line draws it.
func (p *mapPane) text(width int) []string {
	w := p.w
	words := w.linear || width < narrow
	style := topology.Style{ASCII: w.ascii, Linear: words, Paint: func(t topology.Tone, text string) string {
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
	var lines []string
	for _, line := range topology.Text(w.topology, style) {
		if words {
			lines = append(lines, hang("", line, width)...)
			continue
		}
		lines = append(lines, w.cut(line, width))
	}
	return lines
}
