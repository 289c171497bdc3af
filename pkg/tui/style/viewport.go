package style

import "fmt"

// Viewport is the part of a text that is in view in a pane.
type Viewport struct {
	Top, Height, total int
	// Follow keeps the end in view as lines are added.
	Follow bool
}

// Window clamps the position to a text of total lines in a pane of a height, and returns which lines are in view.
func (s *Viewport) Window(total, height int) (from, to int) {
	s.total, s.Height = total, max(height, 0)
	last := max(total-s.Height, 0)
	if s.Follow {
		s.Top = last
	}
	s.Top = min(max(s.Top, 0), last)
	return s.Top, min(s.Top+s.Height, total)
}

// ScrollBy moves the view. In a text that grows, follows makes it follow the end again once the end is reached.
func (s *Viewport) ScrollBy(lines int, follows bool) {
	last := max(s.total-s.Height, 0)
	s.Top = min(max(s.Top+lines, 0), last)
	s.Follow = follows && s.Top == last
}

// Reveal brings lines from..to into view, the first of them if they do not all fit.
func (s *Viewport) Reveal(from, to int) {
	if to > s.Top+s.Height {
		s.Top = to - s.Height
	}
	if from < s.Top {
		s.Top = from
	}
}

// Position describes what is in view: "12-30 of 80"; empty if everything is.
func (s *Viewport) Position() string {
	if s.total <= s.Height || s.Height == 0 {
		return ""
	}
	return fmt.Sprintf("%d-%d of %d", s.Top+1, min(s.Top+s.Height, s.total), s.total)
}
