package style

import "strings"

// Panel is one framed area of the screen.
type Panel struct {
	Title string // painted already
	Foot  string // on the lower border: the position in a longer text
	Lines []string
	Focus bool
}

// Inner is the size that a panel of w by h cells leaves for its lines.
func (t *Theme) Inner(w, h int) (int, int) {
	if t.Linear {
		return w, max(h-1, 0)
	}
	return max(w-4, 0), max(h-2, 0)
}

// Box draws p as exactly h lines of exactly w cells.
func (t *Theme) Box(p Panel, w, h int) []string {
	if w <= 0 || h <= 0 {
		return nil
	}
	if t.Linear {
		return t.linearBox(p, w, h)
	}
	corners, across, down, paint := t.corners, t.Horizontal, t.Vertical, t.Border
	if p.Focus {
		paint = t.Focus
		if !t.Color {
			corners, across, down = t.heavyCorners, t.HeavyHorizontal, t.HeavyVertical
		}
	}
	if w < 4 || h < 2 {
		return Fill(w, h)
	}
	lines := make([]string, 0, h)
	title := t.Truncate(p.Title, w-5)
	rule := w - 4 - Width(title)
	if title == "" {
		lines = append(lines, paint.Paint(corners[0]+strings.Repeat(across, w-2)+corners[1]))
	} else {
		lines = append(lines, paint.Paint(corners[0])+" "+title+" "+paint.Paint(strings.Repeat(across, rule)+corners[1]))
	}
	side := paint.Paint(down)
	for i := range h - 2 {
		line := ""
		if i < len(p.Lines) {
			line = p.Lines[i]
		}
		lines = append(lines, side+" "+t.Fit(line, w-4)+" "+side)
	}
	foot := t.Truncate(p.Foot, w-6)
	if foot == "" {
		return append(lines, paint.Paint(corners[2]+strings.Repeat(across, w-2)+corners[3]))
	}
	return append(lines, paint.Paint(corners[2]+strings.Repeat(across, w-5-Width(foot)))+" "+t.Faint.Paint(foot)+" "+paint.Paint(across+corners[3]))
}

func (t *Theme) linearBox(p Panel, w, h int) []string {
	title := p.Title
	if p.Foot != "" {
		title += " (" + p.Foot + ")"
	}
	lines := []string{t.Fit(title, w)}
	for i := range h - 1 {
		line := ""
		if i < len(p.Lines) {
			line = p.Lines[i]
		}
		lines = append(lines, t.Fit(line, w))
	}
	return lines
}

// Fill is an empty area.
func Fill(w, h int) []string {
	lines := make([]string, max(h, 0))
	for i := range lines {
		lines[i] = Spaces(w)
	}
	return lines
}
