package plot

import "strings"

// legend names the series with their marks and figures, a line for each; where the lines do not reach,
// the last one names all that are left.
func (f *frame) legend(lines int) {
	names := 0
	for _, m := range f.all {
		names = max(names, width(m.name))
	}
	names = min(names, max(f.Width/2, f.Width-36))
	for i, m := range f.all {
		if i == lines-1 && i < len(f.all)-1 {
			f.rest(i)
			return
		}
		line := f.key(i)
		if names > 0 {
			line += " " + f.Style.fit(m.name, names)
		}
		f.lines = append(f.lines, line+"  "+f.figures(m, f.Width-names-4))
	}
}

func (f *frame) key(i int) string { return f.Style.paint(toneOf(i), f.Style.mark(i)) }

// rest names the series from the given one on in a single line.
func (f *frame) rest(from int) {
	var b strings.Builder
	used := 0
	for i := from; i < len(f.all) && used < f.Width; i++ {
		m := f.all[i]
		text := m.name
		if m.count > 0 {
			text = strings.TrimSpace(text + " " + f.Unit.Format(m.last.Value))
		}
		if i > from {
			b.WriteString("  ")
			used += 2
		}
		b.WriteString(f.key(i) + " " + text)
		used += 2 + width(text)
	}
	f.lines = append(f.lines, b.String())
}
