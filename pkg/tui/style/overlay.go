package style

import (
	"strings"

	"github.com/shopctl/shopctl/pkg/cells"
)

// Overlay replaces the part of base that begins at column x and line y by the lines of box, which are w cells wide.
func (t *Theme) Overlay(base, box []string, x, y, w, full int) []string {
	for i, line := range box {
		at := y + i
		if at < 0 || at >= len(base) {
			continue
		}
		if w >= full {
			base[at] = line
			continue
		}
		base[at] = section(base[at], 0, x) + line + section(base[at], x+w, full)
	}
	return base
}

// section is the part of a drawn line from one cell to another.
func section(line string, from, to int) string {
	part := cells.Cut(line, from, to)
	if strings.Contains(part, "\x1b[") {
		part += "\x1b[m"
	}
	return part + Spaces(to-from-cells.Width(part))
}
