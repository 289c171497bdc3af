package style

import "fmt"

// scroll is the place in a text that is longer than its pane.
type Viewport struct {
	Top, Height, total int
	// tail keeps the end in view as lines are added.
	Follow bool
}

// window clamps the place to a text of total lines in a pane of height, and returns what is in view.
func (s *Viewport) Window(total, height int) (from, to int) {
	s.total, s.Height = total, max(height, 0)
	last := max(total-s.Height, 0)
	if s.Follow {
		s.Top = last
	}
	s.Top = min(max(s.Top, 0), last)
	return s.Top, min(s.Top+s.Height, total)
}

// by moves the view; at the end of a text that grows it follows again.
func (s *Viewport) ScrollBy(lines int, follows bool) {
	last := max(s.total-s.Height, 0)
	s.Top = min(max(s.Top+lines, 0), last)
	s.Follow = follows && s.Top == last
}

// reveal brings lines from..to into view, the first of them if they do not fit.
func (s *Viewport) Reveal(from, to int) {
	if to > s.Top+s.Height {
		s.Top = to - s.Height
	}
	if from < s.Top {
		s.Top = from
	}
}

// place says where the view is: "12-30 of 80"; empty if all is in view.
func (s *Viewport) Position() string {
	if s.total <= s.Height || s.Height == 0 {
		return ""
	}
	return fmt.Sprintf("%d-%d of %d", s.Top+1, min(s.Top+s.Height, s.total), s.total)
}
