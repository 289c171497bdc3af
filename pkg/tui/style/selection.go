package style

import "strings"

// Selection is a list with a cursor on one row; a row may take several lines.
type Selection struct {
	At       int
	Viewport Viewport
}

// DrawRows draws the rows that are in view in a pane of a height. row returns the lines of one row.
func (c *Selection) DrawRows(rows, height int, row func(i int, selected bool) []string) []string {
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

// MarkRow draws a row of a list: one line, and under the cursor as many as its text takes.
func (t *Theme) MarkRow(text string, selected bool, width int) []string {
	if !selected {
		return []string{t.Truncate("  "+text, width)}
	}
	lines := Hang(t.Mark+" ", text, width)
	for i, line := range lines {
		lines[i] = t.Highlight(t.Fit(line, width))
	}
	return lines
}

// Highlight gives a drawn line the background of the cursor, whatever colors it has.
func (t *Theme) Highlight(line string) string {
	if t.Highlighted.on == "" {
		return line
	}
	return t.Highlighted.Paint(strings.ReplaceAll(line, "\x1b[m", "\x1b[m"+t.Highlighted.on))
}
