package iostreams

import (
	"io"
	"strings"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/printable"
)

// Table aligns columns. Cells may contain colors; width is counted in terminal cells.
type Table struct {
	rows [][]string
	// widths are those of the columns that were written, in rows before written.
	widths  []int
	written int
}

// NewTable returns a table with these headers; none: without a row of headers.
func NewTable(header ...string) *Table {
	t := &Table{}
	if len(header) > 0 {
		t.rows = [][]string{header}
	}
	return t
}

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
	return cells.Width(printable.Text(printable.MapColors(cell, func(parameters string) string {
		if first, _, _ := strings.Cut(parameters, ";"); len(first) == sealDigits {
			return ""
		}
		return "\x1b[" + parameters + "m"
	})))
}

// Write writes the table. Its errors are those of w, which keeps them.
func (t *Table) Write(w io.Writer) { _ = t.Flush(w) }

// Flush writes the rows that were not written yet, in columns that are at least as wide as before.
func (t *Table) Flush(w io.Writer) error {
	rows := t.rows[t.written:]
	for _, row := range rows {
		for i, cell := range row {
			if i == len(t.widths) {
				t.widths = append(t.widths, 0)
			}
			t.widths[i] = max(t.widths[i], width(cell))
		}
	}
	gap := tableGap(w, t.widths)
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", t.widths[i]-width(cell)+gap))
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	t.written = len(t.rows)
	_, err := io.WriteString(w, b.String())
	return err
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
