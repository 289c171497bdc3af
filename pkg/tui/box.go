package tui

import "strings"

// panel is one framed area of the screen.
type panel struct {
	title string // painted already
	foot  string // on the lower border: where one is in a longer text
	lines []string
	focus bool
}

// inner is the room that a panel of w by h cells leaves for lines.
func (t *theme) inner(w, h int) (int, int) {
	if t.linear {
		return w, max(h-1, 0)
	}
	return max(w-4, 0), max(h-2, 0)
}

// box draws p as exactly h lines of exactly w cells.
func (t *theme) box(p panel, w, h int) []string {
	if w <= 0 || h <= 0 {
		return nil
	}
	if t.linear {
		return t.linearBox(p, w, h)
	}
	corners, across, down, paint := t.corners, t.across, t.down, t.border
	if p.focus {
		paint = t.focus
		if !t.color {
			corners, across, down = t.heavyCorners, t.heavyAcross, t.heavy
		}
	}
	if w < 4 || h < 2 {
		return fill(w, h)
	}
	lines := make([]string, 0, h)
	title := t.cut(p.title, w-5)
	rule := w - 4 - width(title)
	if title == "" {
		lines = append(lines, paint.paint(corners[0]+strings.Repeat(across, w-2)+corners[1]))
	} else {
		lines = append(lines, paint.paint(corners[0])+" "+title+" "+paint.paint(strings.Repeat(across, rule)+corners[1]))
	}
	side := paint.paint(down)
	for i := range h - 2 {
		line := ""
		if i < len(p.lines) {
			line = p.lines[i]
		}
		lines = append(lines, side+" "+t.fit(line, w-4)+" "+side)
	}
	foot := t.cut(p.foot, w-6)
	if foot == "" {
		return append(lines, paint.paint(corners[2]+strings.Repeat(across, w-2)+corners[3]))
	}
	return append(lines, paint.paint(corners[2]+strings.Repeat(across, w-5-width(foot)))+" "+t.faint.paint(foot)+" "+paint.paint(across+corners[3]))
}

func (t *theme) linearBox(p panel, w, h int) []string {
	title := p.title
	if p.foot != "" {
		title += " (" + p.foot + ")"
	}
	lines := []string{t.fit(title, w)}
	for i := range h - 1 {
		line := ""
		if i < len(p.lines) {
			line = p.lines[i]
		}
		lines = append(lines, t.fit(line, w))
	}
	return lines
}

// fill is an empty area.
func fill(w, h int) []string {
	lines := make([]string, max(h, 0))
	for i := range lines {
		lines[i] = spaces(w)
	}
	return lines
}
