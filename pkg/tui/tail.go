package tui

import (
	"slices"
	"strings"
	"time"
)

// kept is how many lines a pane remembers.
const kept = 2000

// entry is one line of a growing text: what is drawn, and what a filter looks at.
type entry struct {
	at    time.Time // zero where it is not known
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
	// sought is the line that is to be shown, nil if none is.
	sought *sought
}

// sought is one line of a text, by its time and what it holds. Once it was found, the view is the user's.
type sought struct {
	at    time.Time
	text  string
	found bool
}

func (s *sought) is(e entry) bool {
	return s != nil && e.at.Equal(s.at) && matches(e.plain, s.text)
}

// seek shows the line of a time that holds a text, as soon as it is there.
func (p *tailPane) seek(at time.Time, text string) { p.sought = &sought{at: at, text: text} }

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
	if i := slices.IndexFunc(shown, p.sought.is); i >= 0 && !p.sought.found {
		p.sought.found = true
		p.scroll.tail, p.scroll.top = false, i-height/3
	}
	from, to := p.scroll.window(len(shown), height)
	lines := make([]string, 0, to-from)
	for _, e := range shown[from:to] {
		if p.sought.is(e) {
			lines = append(lines, p.w.highlight(p.w.fit(p.w.mark+" "+e.draw(p.w.theme, width-2), width)))
			continue
		}
		lines = append(lines, p.w.cut(e.draw(p.w.theme, width), width))
	}
	return strings.Join(lines, "\n")
}
