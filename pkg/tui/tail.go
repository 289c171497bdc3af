package tui

import (
	"strings"
)

// kept is how many lines a pane remembers.
const kept = 2000

// entry is one line of a growing text: what is drawn, and what a filter looks at.
type entry struct {
	plain string
	draw  func(t *theme, width int) string
}

// tailPane is a text that grows at its end and follows it: logs, events, the output of commands.
type tailPane struct {
	w       *world
	entries []entry
	scroll  scroll
	filter  string
	// empty is what it says while there is nothing.
	empty func() string
}

func newTail(w *world, empty func() string) *tailPane {
	return &tailPane{w: w, scroll: scroll{tail: true}, empty: empty}
}

func (p *tailPane) add(entries ...entry) {
	p.entries = append(p.entries, entries...)
	if over := len(p.entries) - kept; over > 0 {
		p.entries = append(p.entries[:0], p.entries[over:]...)
		if !p.scroll.tail {
			p.scroll.top = max(p.scroll.top-over, 0)
		}
	}
}

func (p *tailPane) clear() {
	p.entries = nil
	p.scroll = scroll{tail: true}
}

// Scroll moves the view; back at the end it follows again.
func (p *tailPane) Scroll(lines int) { p.scroll.by(lines, true) }

// Filter returns the pane's filter.
func (p *tailPane) Filter() *string { return &p.filter }

// Place says which part is in view, and whether it follows.
func (p *tailPane) Place() string {
	place := p.scroll.place()
	switch {
	case place == "":
		return ""
	case p.scroll.tail:
		return place + ", follows"
	}
	return place + ", G follows"
}

// Render draws the lines in view.
func (p *tailPane) Render(width, height int) string {
	shown := p.entries
	if p.filter != "" {
		shown = nil
		for _, e := range p.entries {
			if matches(e.plain, p.filter) {
				shown = append(shown, e)
			}
		}
	}
	if len(shown) == 0 {
		text := p.empty()
		if p.filter != "" && len(p.entries) > 0 {
			text = "nothing matches " + p.filter
		}
		return strings.Join(p.w.faint.each(wrap(text, width)), "\n")
	}
	from, to := p.scroll.window(len(shown), height)
	lines := make([]string, 0, to-from)
	for _, e := range shown[from:to] {
		lines = append(lines, p.w.cut(e.draw(p.w.theme, width), width))
	}
	return strings.Join(lines, "\n")
}
