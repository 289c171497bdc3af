package tui

import "strings"

// spark draws the last w values as bars, scaled to the largest one or to floor if that is larger: noise
// far below the floor stays flat.
func (t *theme) spark(values []float64, w int, floor float64) string {
	if w <= 0 || t.linear {
		return ""
	}
	values = values[max(0, len(values)-w):]
	top := floor
	for _, v := range values {
		top = max(top, v)
	}
	var b strings.Builder
	b.WriteString(spaces(w - len(values)))
	last := len(t.glyphs.spark) - 1
	for _, v := range values {
		i := 0
		if v > 0 && top > 0 {
			i = min(int(v/top*float64(last)+0.5), last)
		}
		b.WriteString(t.glyphs.spark[i])
	}
	return b.String()
}

// chart draws values as bars of several rows, top row first.
func (t *theme) chart(values []float64, w, rows int, floor float64) []string {
	if w <= 0 || rows <= 0 || t.linear {
		return nil
	}
	values = values[max(0, len(values)-w):]
	top := floor
	for _, v := range values {
		top = max(top, v)
	}
	steps := len(t.glyphs.spark)
	lines := make([]string, rows)
	for row := range rows {
		base := (rows - 1 - row) * steps
		var b strings.Builder
		b.WriteString(spaces(w - len(values)))
		for _, v := range values {
			height := 0
			if top > 0 {
				height = int(v / top * float64(rows*steps))
			}
			switch filled := height - base; {
			case filled >= steps:
				b.WriteString(t.glyphs.spark[steps-1])
			case filled > 0:
				b.WriteString(t.glyphs.spark[filled-1])
			case base == 0:
				b.WriteString(t.glyphs.spark[0])
			default:
				b.WriteByte(' ')
			}
		}
		lines[row] = b.String()
	}
	return lines
}
