package plot

import "strings"

func bars(ascii bool) []string {
	if ascii {
		return []string{"_", ".", ":", "-", "=", "+", "*", "#"}
	}
	return []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}
}

// top is the value of a full bar.
func top(values []float64, floor float64) float64 {
	for _, v := range values {
		if drawn(v) {
			floor = max(floor, v)
		}
	}
	return min(floor, most)
}

// Spark draws the last w values as bars in one line of exactly w cells, scaled to the largest of them or
// to floor if that is larger: noise far below the floor stays flat. A gap is a blank.
func Spark(values []float64, w int, floor float64, ascii bool) string {
	if w <= 0 {
		return ""
	}
	values = values[max(0, len(values)-w):]
	top, glyphs := top(values, floor), bars(ascii)
	var b strings.Builder
	b.WriteString(spaces(w - len(values)))
	last := len(glyphs) - 1
	for _, v := range values {
		switch {
		case !drawn(v):
			b.WriteByte(' ')
		case v > 0 && top > 0:
			b.WriteString(glyphs[min(int(min(v/top, 1)*float64(last)+0.5), last)])
		default:
			b.WriteString(glyphs[0])
		}
	}
	return b.String()
}

// Bars draws values as Spark does, in several rows, the top one first.
func Bars(values []float64, w, rows int, floor float64, ascii bool) []string {
	if w <= 0 || rows <= 0 {
		return nil
	}
	values = values[max(0, len(values)-w):]
	top, glyphs := top(values, floor), bars(ascii)
	steps := len(glyphs)
	lines := make([]string, rows)
	for row := range rows {
		base := (rows - 1 - row) * steps
		var b strings.Builder
		b.WriteString(spaces(w - len(values)))
		for _, v := range values {
			height := 0
			if top > 0 && drawn(v) {
				height = int(min(max(v, 0)/top, 1) * float64(rows*steps))
			}
			switch filled := height - base; {
			case !drawn(v):
				b.WriteByte(' ')
			case filled >= steps:
				b.WriteString(glyphs[steps-1])
			case filled > 0:
				b.WriteString(glyphs[filled-1])
			case base == 0:
				b.WriteString(glyphs[0])
			default:
				b.WriteByte(' ')
			}
		}
		lines[row] = b.String()
	}
	return lines
}
