package tui

import "fmt"

// scroll is the place in a text that is longer than its pane.
type scroll struct {
	top, height, total int
	// tail keeps the end in view as lines are added.
	tail bool
}

// window clamps the place to a text of total lines in a pane of height, and returns what is in view.
func (s *scroll) window(total, height int) (from, to int) {
	s.total, s.height = total, max(height, 0)
	last := max(total-s.height, 0)
	if s.tail {
		s.top = last
	}
	s.top = min(max(s.top, 0), last)
	return s.top, min(s.top+s.height, total)
}

// by moves the view; at the end of a text that grows it follows again.
func (s *scroll) by(lines int, follows bool) {
	last := max(s.total-s.height, 0)
	s.top = min(max(s.top+lines, 0), last)
	s.tail = follows && s.top == last
}

// reveal brings lines from..to into view, the first of them if they do not fit.
func (s *scroll) reveal(from, to int) {
	if to > s.top+s.height {
		s.top = to - s.height
	}
	if from < s.top {
		s.top = from
	}
}

// place says where the view is: "12-30 of 80"; empty if all is in view.
func (s *scroll) place() string {
	if s.total <= s.height || s.height == 0 {
		return ""
	}
	return fmt.Sprintf("%d-%d of %d", s.top+1, min(s.top+s.height, s.total), s.total)
}
