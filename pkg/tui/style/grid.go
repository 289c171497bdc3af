package style

import (
	"slices"
	"strings"
)

// Column is one column of a table whose rows are of type R.
type Column[R any] struct {
	Title string
	Width int
	// Grows lets the column take cells that the others leave.
	Grows bool
	Right bool // aligned to the right
	// Rank decides which columns are dropped where room is short: the highest first.
	Rank int
	// Cell returns the painted value of a row; it may use up to width cells.
	Cell func(row R, width int) string
}

// Grid is the columns that are shown, and the number of cells between them.
type Grid[R any] struct {
	Columns []Column[R]
	Gap     int
}

// NewGrid takes the columns that fit into room cells, the most important first, and widens those that can grow.
func NewGrid[R any](all []Column[R], room int) Grid[R] {
	g := Grid[R]{Gap: 2}
	if Needed(all, g.Gap) > room {
		g.Gap = 1
	}
	ranked := slices.Clone(all)
	slices.SortStableFunc(ranked, func(a, b Column[R]) int { return a.Rank - b.Rank })
	n := len(ranked)
	for n > 1 && Needed(ranked[:n], g.Gap) > room {
		n--
	}
	for _, c := range all {
		if c.Rank <= ranked[n-1].Rank {
			g.Columns = append(g.Columns, c)
		}
	}
	g.grow(max(room-Needed(g.Columns, g.Gap), 0))
	return g
}

// Needed is how many cells columns take with a gap between them.
func Needed[R any](columns []Column[R], gap int) int {
	sum := -gap
	for _, c := range columns {
		sum += c.Width + gap
	}
	return sum
}

// MaxGrown is the width up to which a single column grows: a trend of as many values as the daemon keeps.
const MaxGrown = 60

func (g Grid[R]) grow(left int) {
	growing := 0
	for _, c := range g.Columns {
		if c.Grows {
			growing++
		}
	}
	for i := range g.Columns {
		c := &g.Columns[i]
		switch {
		case !c.Grows:
		case growing == 1:
			c.Width = min(c.Width+left, MaxGrown)
		default: // words need more cells than the bars beside them
			c.Width += left / 4
			left -= left / 4
			growing--
		}
	}
}

// Header draws the titles.
func (g Grid[R]) Header(t *Theme) string {
	return g.line(t, func(c Column[R]) string { return c.Title })
}

// Row draws one row.
func (g Grid[R]) Row(t *Theme, row R) string {
	return g.line(t, func(c Column[R]) string { return c.Cell(row, c.Width) })
}

func (g Grid[R]) line(t *Theme, cell func(Column[R]) string) string {
	cells := make([]string, len(g.Columns))
	for i, c := range g.Columns {
		cells[i] = c.Fit(t, cell(c))
	}
	return strings.Join(cells, Spaces(g.Gap))
}

// Fit makes text exactly as wide as the column.
func (c Column[R]) Fit(t *Theme, text string) string {
	if c.Right {
		return t.AlignRight(text, c.Width)
	}
	return t.Fit(text, c.Width)
}
