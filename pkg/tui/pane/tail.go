package pane

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Tail is a text that grows at its end and follows it: logs, events, the output of commands.
type Tail struct {
	state   *State
	entries []feed.Entry
	scroll  style.Viewport
	filter  string
	// left is the first column in view, widest the width of the widest line in view.
	left, widest, width int
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
	p.entries, p.left = nil, 0
	p.scroll = style.Viewport{Follow: true}
}

// Scroll moves the view; once back at the end, it follows again.
func (p *Tail) Scroll(lines int) { p.scroll.ScrollBy(lines, true) }

// Filter returns the pane's filter.
func (p *Tail) Filter() *string { return &p.filter }

// Wide reports whether a line in view is wider than the pane.
func (p *Tail) Wide() bool { return p.left > 0 || p.widest > p.width }

// Pan moves the view sideways, by cells.
func (p *Tail) Pan(cells int) { p.left = max(min(p.left+cells, p.widest-p.width), 0) }

// Top goes to a line, and ends following.
func (p *Tail) Top(line int) {
	p.scroll.Follow, p.scroll.Top = false, line
}

// Lines is how many lines there are.
func (p *Tail) Lines() int { return len(p.entries) }

// Height is how many lines are in view at once; 0 before the pane was drawn.
func (p *Tail) Height() int { return p.scroll.Height }

// Position describes which part is in view, and whether the view follows the end.
func (p *Tail) Position() string {
	place := p.scroll.Position()
	switch {
	case place == "":
	case p.scroll.Follow:
		place += ", following"
	default:
		place += ", G to follow"
	}
	if !p.Wide() {
		return place
	}
	if place != "" {
		place += ", "
	}
	return place + fmt.Sprintf("columns %d-%d of %d", p.left+1, p.left+p.width, max(p.widest, p.left+p.width))
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
		text := p.state.Say(p.empty())
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
	p.width, p.widest = width, 0
	for _, e := range shown[from:to] {
		line := e.Draw(p.state.Theme, width)
		if p.target.matches(e) {
			line = p.state.Mark + " " + line
		}
		p.widest = max(p.widest, style.Width(line))
		lines = append(lines, line)
	}
	p.left = max(min(p.left, p.widest-width), 0)
	for i, e := range shown[from:to] {
		if p.left > 0 {
			lines[i] = cells.Cut(lines[i], p.left, p.left+max(width, style.Width(lines[i])))
		}
		lines[i] = p.state.Truncate(lines[i], width)
		if p.target.matches(e) {
			lines[i] = p.state.Highlight(p.state.Fit(lines[i], width))
		}
	}
	return strings.Join(lines, "\n")
}
