package pane

import (
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Tail is a text that grows at its end and follows it: logs, events, the output of commands.
type Tail struct {
	state   *State
	entries []feed.Entry
	scroll  style.Viewport
	filter  string
	// empty is shown while there are no lines.
	empty func() string
	// target is the line to bring into view, nil if there is none.
	target *target
}

// target is one line, by its time and what it contains. Once it has been found, the user can scroll away.
type target struct {
	at    time.Time
	text  string
	found bool
}

func (s *target) matches(e feed.Entry) bool {
	return s != nil && e.At.Equal(s.at) && style.ContainsFold(e.Plain, s.text)
}

// Seek shows the line of a time that contains text, as soon as it has arrived.
func (p *Tail) Seek(at time.Time, text string) { p.target = &target{at: at, text: text} }

// EndSeek stops looking for a line.
func (p *Tail) EndSeek() { p.target = nil }

// Sought is the time of the line that Seek looks for; false if there is none.
func (p *Tail) Sought() (time.Time, bool) {
	if p.target == nil {
		return time.Time{}, false
	}
	return p.target.at, true
}

// Follow goes to the end, and stays there as lines are added.
func (p *Tail) Follow() { p.scroll.Follow = true }

func NewTail(state *State, empty func() string) *Tail {
	return &Tail{state: state, scroll: style.Viewport{Follow: true}, empty: empty}
}

// Add appends lines, and drops the oldest ones.
func (p *Tail) Add(entries ...feed.Entry) {
	p.entries = append(p.entries, entries...)
	if over := len(p.entries) - feed.MaxEntries; over > 0 {
		p.entries = append(p.entries[:0], p.entries[over:]...)
		if !p.scroll.Follow {
			p.scroll.Top = max(p.scroll.Top-over, 0)
		}
	}
}

// Clear removes all lines, and follows the end again.
func (p *Tail) Clear() {
	p.entries = nil
	p.scroll = style.Viewport{Follow: true}
}

// Scroll moves the view; once back at the end, it follows again.
func (p *Tail) Scroll(lines int) { p.scroll.ScrollBy(lines, true) }

// Filter returns the pane's filter.
func (p *Tail) Filter() *string { return &p.filter }

// Position describes which part is in view, and whether the view follows the end.
func (p *Tail) Position() string {
	place := p.scroll.Position()
	switch {
	case place == "":
		return ""
	case p.scroll.Follow:
		return place + ", following"
	}
	return place + ", G to follow"
}

// Render draws the lines in view.
func (p *Tail) Render(width, height int) string {
	shown := p.entries
	if p.filter != "" {
		shown = nil
		for _, e := range p.entries {
			if style.ContainsFold(e.Plain, p.filter) {
				shown = append(shown, e)
			}
		}
	}
	if len(shown) == 0 {
		text := p.empty()
		if p.filter != "" && len(p.entries) > 0 {
			text = "nothing matches " + p.filter
		}
		return strings.Join(p.state.Faint.PaintLines(style.Wrap(text, width)), "\n")
	}
	if i := slices.IndexFunc(shown, p.target.matches); i >= 0 && !p.target.found {
		p.target.found = true
		p.scroll.Follow, p.scroll.Top = false, i-height/3
	}
	from, to := p.scroll.Window(len(shown), height)
	lines := make([]string, 0, to-from)
	for _, e := range shown[from:to] {
		if p.target.matches(e) {
			lines = append(lines, p.state.Highlight(p.state.Fit(p.state.Mark+" "+e.Draw(p.state.Theme, width-2), width)))
			continue
		}
		lines = append(lines, p.state.Truncate(e.Draw(p.state.Theme, width), width))
	}
	return strings.Join(lines, "\n")
}
