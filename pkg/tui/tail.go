package tui

import (
	"slices"
	"strings"
	"time"
)

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

// Seek shows the line of a time that contains text, as soon as it has arrived.
func (p *tailPane) Seek(at time.Time, text string) { p.sought = &sought{at: at, text: text} }

// EndSeek no longer looks for a line.
func (p *tailPane) EndSeek() { p.sought = nil }

// Sought is the time of the line that Seek looks for; false if there is none.
func (p *tailPane) Sought() (time.Time, bool) {
	if p.sought == nil {
		return time.Time{}, false
	}
	return p.sought.at, true
}

// Follow goes to the end, and stays there as lines are added.
func (p *tailPane) Follow() { p.scroll.tail = true }

func newTail(w *world, empty func() string) *tailPane {
	return &tailPane{w: w, scroll: scroll{tail: true}, empty: empty}
}

// Add appends lines, and forgets the oldest ones.
func (p *tailPane) Add(entries ...entry) {
	p.entries = append(p.entries, entries...)
	if over := len(p.entries) - kept; over > 0 {
		p.entries = append(p.entries[:0], p.entries[over:]...)
		if !p.scroll.tail {
			p.scroll.top = max(p.scroll.top-over, 0)
		}
	}
}

// Clear removes all lines, and follows the end again.
func (p *tailPane) Clear() {
	p.entries = nil
	p.scroll = scroll{tail: true}
}

// Scroll moves the view; back at the end it follows again.
func (p *tailPane) Scroll(lines int) { p.scroll.by(lines, true) }

// Filter returns the pane's filter.
func (p *tailPane) Filter() *string { return &p.filter }

// Position says which part is in view, and whether it follows.
func (p *tailPane) Position() string {
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
