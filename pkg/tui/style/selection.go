package style

import "strings"

// choice is a list of which one row is chosen; a row may take several lines.
type Selection struct {
	At       int
	Viewport Viewport
}

// render draws the rows of a list in a pane of a height. row returns the lines of a row, as wide as the
// pane.
func (c *Selection) DrawRows(rows, height int, row func(i int, chosen bool) []string) []string {
	var lines []string
	from, to := 0, 0
	for i := range rows {
		if i == c.At {
			from = len(lines)
		}
		lines = append(lines, row(i, i == c.At)...)
		if i == c.At {
			to = len(lines)
		}
	}
	c.Viewport.Height = max(height, 1)
	c.Viewport.Reveal(from, to)
	from, to = c.Viewport.Window(len(lines), height)
	return lines[from:to]
}

// marked draws a row that can be chosen: one line, and where it is chosen as many as it takes.
func (t *Theme) MarkRow(text string, chosen bool, width int) []string {
	if !chosen {
		return []string{t.Truncate("  "+text, width)}
	}
	lines := Hang(t.Mark+" ", text, width)
	for i, line := range lines {
		lines[i] = t.Highlight(t.Fit(line, width))
	}
	return lines
}

// highlight gives a drawn line the background of what is chosen, whatever colours are in it.
func (t *Theme) Highlight(line string) string {
	if t.Highlighted.on == "" {
		return line
	}
	return t.Highlighted.Paint(strings.ReplaceAll(line, "\x1b[m", "\x1b[m"+t.Highlighted.on))
}
