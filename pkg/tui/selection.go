package tui

import "strings"

// choice is a list of which one row is chosen; a row may take several lines.
type choice struct {
	at     int
	scroll scroll
}

// render draws the rows of a list in a pane of a height. row returns the lines of a row, as wide as the
// pane.
func (c *choice) render(rows, height int, row func(i int, chosen bool) []string) []string {
	var lines []string
	from, to := 0, 0
	for i := range rows {
		if i == c.at {
			from = len(lines)
		}
		lines = append(lines, row(i, i == c.at)...)
		if i == c.at {
			to = len(lines)
		}
	}
	c.scroll.height = max(height, 1)
	c.scroll.reveal(from, to)
	from, to = c.scroll.window(len(lines), height)
	return lines[from:to]
}

// marked draws a row that can be chosen: one line, and where it is chosen as many as it takes.
func (t *theme) marked(text string, chosen bool, width int) []string {
	if !chosen {
		return []string{t.cut("  "+text, width)}
	}
	lines := hang(t.mark+" ", text, width)
	for i, line := range lines {
		lines[i] = t.highlight(t.fit(line, width))
	}
	return lines
}

// highlight gives a drawn line the background of what is chosen, whatever colours are in it.
func (t *theme) highlight(line string) string {
	if t.chosen.on == "" {
		return line
	}
	return t.chosen.paint(strings.ReplaceAll(line, "\x1b[m", "\x1b[m"+t.chosen.on))
}
