package iostreams

import (
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/shopctl/shopctl/pkg/printable"
)

// Table aligns columns. Cells may contain colors; width is counted in terminal cells.
type Table struct {
	rows [][]string
}

func NewTable(header ...string) *Table { return &Table{rows: [][]string{header}} }

// Row adds a row. A cell is one line, whatever its text holds.
func (t *Table) Row(cells ...string) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = OneLine(cell)
	}
	t.rows = append(t.rows, row)
}

// width is the width of a cell as the writer prints it: sealed sequences take no room, foreign ones are escaped.
func width(cell string) int {
	return ansi.StringWidth(printable.Text(printable.MapColors(cell, func(parameters string) string {
		if first, _, _ := strings.Cut(parameters, ";"); len(first) == sealDigits {
			return ""
		}
		return "\x1b[" + parameters + "m"
	})))
}

func (t *Table) Write(w io.Writer) {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	gap := tableGap(w, widths)
	var b strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-width(cell)+gap))
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	io.WriteString(w, b.String())
}

// The gap between two columns of a table, in cells: less where the table would not fit otherwise.
const (
	wideGap   = 3
	narrowGap = 1
)

func tableGap(w io.Writer, widths []int) int {
	p, ok := w.(*page)
	if !ok || p.columns == 0 {
		return wideGap
	}
	room := p.columns
	for _, n := range widths {
		room -= n
	}
	return min(max(room/max(len(widths)-1, 1), narrowGap), wideGap)
}
