package plot

import "strings"

// canvas is an area of cells. In Unicode a cell has two by four dots, in ASCII it is one.
type canvas struct {
	columns, rows  int
	across, upward int // dots in a cell
	cells          []cell
}

// cell is the content of a cell, and the series that drew it last.
type cell struct {
	dots   rune // as in U+2800
	mark   bool
	series int
}

func newCanvas(columns, rows int, ascii bool) *canvas {
	c := &canvas{columns: columns, rows: rows, across: 2, upward: 4, cells: make([]cell, columns*rows)}
	if ascii {
		c.across, c.upward = 1, 1
	}
	return c
}

func (c *canvas) width() int  { return c.columns * c.across }
func (c *canvas) height() int { return c.rows * c.upward }

// dotBits are the bits of a braille cell by column and by row from the top.
func dotBit(x, y int) rune {
	return [2][4]rune{{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}[x][y]
}

// dot sets a dot; y counts from the lower edge. What lies outside is not drawn.
func (c *canvas) dot(x, y, series int) {
	if x < 0 || y < 0 || x >= c.width() || y >= c.height() {
		return
	}
	down := c.height() - 1 - y
	at := &c.cells[down/c.upward*c.columns+x/c.across]
	at.series = series
	if c.upward == 1 {
		at.mark = true
		return
	}
	at.dots |= dotBit(x%2, down%4)
}

// line joins two dots.
func (c *canvas) line(x0, y0, x1, y1, series int) {
	dx, dy := abs(x1-x0), -abs(y1-y0)
	stepX, stepY := sign(x1-x0), sign(y1-y0)
	for rest := dx + dy; ; {
		c.dot(x0, y0, series)
		if x0 == x1 && y0 == y1 {
			return
		}
		twice := 2 * rest
		if twice >= dy {
			rest += dy
			x0 += stepX
		}
		if twice <= dx {
			rest += dx
			y0 += stepY
		}
	}
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// mark puts the mark of a series where it drew in a column, nearest to the lower edge.
func (c *canvas) mark(column, series int) {
	for row := c.rows - 1; row >= 0; row-- {
		at := &c.cells[row*c.columns+column]
		if at.dots != 0 && at.series == series {
			at.mark = true
			return
		}
	}
}

// row writes one row, painted in runs.
func (c *canvas) row(row int, s Style) string {
	var all, run strings.Builder
	tone := Tone(-1)
	flush := func() {
		if tone < 0 {
			all.WriteString(run.String())
		} else {
			all.WriteString(s.paint(tone, run.String()))
		}
		run.Reset()
	}
	for _, at := range c.cells[row*c.columns : (row+1)*c.columns] {
		next, text := Tone(-1), " "
		switch {
		case at.mark:
			next, text = toneOf(at.series), s.mark(at.series)
		case at.dots != 0:
			next, text = toneOf(at.series), string(0x2800+at.dots)
		}
		if next != tone {
			flush()
			tone = next
		}
		run.WriteString(text)
	}
	flush()
	return all.String()
}
