package plot

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// frame gathers the lines of a plot.
type frame struct {
	Options
	all   []measured
	span  span
	lines []string
	// first and exact are the lines of the drawing, from its first one on: they are as wide as the plot by the way
	// they are made, and measuring them would take longer than drawing them.
	first, exact int
}

func (f *frame) bounds() { f.span = spanOf(f.all, f.Options) }

func (f *frame) empty() bool {
	for _, m := range f.all {
		if m.count > 0 {
			return false
		}
	}
	return true
}

func (f *frame) nothing() string {
	if f.Empty != "" {
		return f.Style.clean(f.Empty)
	}
	return "nothing to show"
}

func (f *frame) add(tone Tone, text string) {
	f.lines = append(f.lines, f.Style.paint(tone, f.Style.cut(text, f.Width)))
}

// whole returns the lines, cut and padded to the requested size.
func (f *frame) whole() []string {
	lines := f.lines[:min(len(f.lines), f.Height)]
	for i, line := range lines {
		if i < f.first || i >= f.first+f.exact {
			lines[i] = f.Style.fit(line, f.Width)
		}
	}
	for len(lines) < f.Height {
		lines = append(lines, spaces(f.Width))
	}
	return lines
}

// alone reports whether the figures of the only series are next to the title.
func (f *frame) alone() bool { return f.Title != "" && len(f.all) == 1 && f.all[0].name == "" }

// title adds the title, if there is one and a place for it.
func (f *frame) title() {
	if f.Title == "" {
		return
	}
	line := f.Style.paint(Title, f.Style.cut(f.Style.clean(f.Title), f.Width))
	if f.alone() && f.all[0].count > 0 {
		line += "  " + f.figures(f.all[0], f.Width-width(line)-2)
	}
	f.lines = append(f.lines, line)
}

// parts is how the height is shared out.
type parts struct {
	title, chart, times, legend int
}

func (f *frame) share() parts {
	var p parts
	left := f.Height
	if !f.alone() {
		p.legend = min(len(f.all), max(1, left/3), left)
	}
	left -= p.legend
	if f.Title != "" && (left >= 3 || f.alone() || p.legend == 0) && left > 0 {
		p.title = 1
		left--
	}
	if left >= 4 {
		p.times = 1
		left--
	}
	p.chart = left
	return p
}

func (f *frame) draw() {
	p := f.share()
	if p.title > 0 {
		f.title()
	}
	if p.chart > 0 {
		f.chart(p.chart, p.times > 0)
	}
	if p.legend > 0 {
		f.legend(p.legend)
	}
}

// chart draws the lines in rows, between the values at their left and the times below them.
func (f *frame) chart(rows int, times bool) {
	values := newAxis(f.span.low, f.span.high, max(1, rows/2))
	labels, gutter := f.labels(values, rows)
	columns := f.Width - gutter
	c := newCanvas(columns, rows, f.Style.ASCII)
	for i := range f.all {
		f.trace(c, values, i)
	}
	if c.upward > 1 {
		f.marks(c)
	}
	f.first, f.exact = len(f.lines), rows
	for row := range rows {
		line := c.row(row, f.Style)
		if gutter > 0 {
			line = f.Style.paint(Faint, labels[row]) + line
		}
		f.lines = append(f.lines, line)
	}
	if times {
		f.times(gutter, columns)
	}
}

// labels are the texts left of each row; gutter is their width, 0 where there is no room for them.
func (f *frame) labels(values axis, rows int) (labels []string, gutter int) {
	down, tick := "│", "┤"
	if f.Style.ASCII {
		down, tick = "|", "+"
	}
	texts := make([]string, rows)
	for _, v := range values.ticks() {
		texts[rows-1-f.place(values.at(v), rows)] = f.Unit.format(v, values.step)
	}
	widest := 0
	for _, text := range texts {
		widest = max(widest, width(text))
	}
	gutter = widest + 2
	if gutter*3 > f.Width {
		return nil, 0
	}
	for i, text := range texts {
		side := down
		if text != "" {
			side = tick
		}
		texts[i] = spaces(widest-width(text)) + text + " " + side
	}
	return texts, gutter
}

// place is the one of n places for a share of the whole.
func (f *frame) place(share float64, n int) int {
	return min(max(int(math.Round(share*float64(n-1))), 0), n-1)
}

// when is where a time lies on the axis: 0 to 1.
func (f *frame) when(t time.Time) float64 {
	whole := f.span.to.Sub(f.span.from)
	if whole <= 0 {
		return 1
	}
	return min(max(float64(t.Sub(f.span.from))/float64(whole), 0), 1)
}

// trace draws series i.
func (f *frame) trace(c *canvas, values axis, i int) {
	points := f.all[i].points
	x, y := 0, 0
	for j, p := range points {
		if !drawn(p.Value) {
			continue
		}
		fromX, fromY := x, y
		x, y = f.place(f.when(p.Time), c.width()), f.place(values.at(p.Value), c.height())
		switch {
		case j == 0 || f.apart(points[j-1], p):
			c.dot(x, y, i)
		case x != fromX || y != fromY:
			c.line(fromX, fromY, x, y, i)
		}
	}
}

// marks puts the mark of each series to its end, and where there are several also along its line, no two
// in the same column.
func (f *frame) marks(c *canvas) {
	n := len(f.all)
	every := max(12, 2*n)
	for i, m := range f.all {
		if n > 1 {
			for column := every * (i % Tones) / min(n, Tones); column < c.columns; column += every {
				c.mark(column, i)
			}
		}
		if m.count > 0 {
			c.mark(f.place(f.when(m.last.Time), c.width())/c.across, i)
		}
	}
}

// times writes round times under their columns.
func (f *frame) times(gutter, columns int) {
	layout := clock(f.span.to.Sub(f.span.from))
	room := len(layout) + 3
	var b strings.Builder
	b.WriteString(spaces(gutter))
	used := 0
	for _, t := range moments(f.span.from, f.span.to, columns/room) {
		text := t.Format(layout)
		at := min(max(f.place(f.when(t), columns)-len(text)/2, 0), columns-len(text))
		if at < 0 || used > 0 && at < used+2 {
			continue
		}
		b.WriteString(spaces(at-used) + text)
		used = at + len(text)
	}
	f.add(Faint, b.String())
}

// figures are the latest, the lowest and the highest value, as many as fit.
func (f *frame) figures(m measured, room int) string {
	if m.count == 0 {
		return f.Style.cut("none", room)
	}
	text := f.Unit.Format(m.last.Value)
	for _, more := range []string{
		"last " + text, fmt.Sprintf("last %s  max %s", text, f.Unit.Format(m.high.Value)),
		fmt.Sprintf("last %s  min %s  max %s", text, f.Unit.Format(m.low.Value), f.Unit.Format(m.high.Value)),
	} {
		if width(more) > room {
			break
		}
		text = more
	}
	return f.Style.cut(text, room)
}
