package tui

import (
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/plot"
)

// metricsPane plots how the chosen service does, or any expression.
type metricsPane struct {
	w *world
	// Expr is what is plotted in place of the service's charts.
	Expr   string
	last   time.Duration
	charts []chart
	fail   string
	drawn  drawnCharts
}

// drawnCharts are the charts as they were drawn last, and for what.
type drawnCharts struct {
	first         *chart
	theme         *theme
	width, height int
	text          string
}

// spansBack are how far back the plots can go.
func spansBack() []time.Duration {
	return []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
}

func newMetricsPane(w *world) *metricsPane { return &metricsPane{w: w, last: spansBack()[1]} }

func (p *metricsPane) sight() sight {
	s := sight{topic: topicMetrics, expr: p.Expr, last: p.last}
	if p.Expr == "" {
		s.service = p.w.chosen
	}
	return s
}

func (p *metricsPane) take(s *seen) {
	p.fail = s.fail
	if s.fail == "" {
		p.charts = s.charts
	}
}

func (p *metricsPane) forget() { p.charts, p.fail = nil, "" }

// Longer shows more of the past, or less where by is negative.
func (p *metricsPane) Longer(by int) {
	all := spansBack()
	p.last = all[min(max(slices.Index(all, p.last)+by, 0), len(all)-1)]
}

// Plot shows an expression over the shortest range that holds a window of it at least twice.
func (p *metricsPane) Plot(expr string, window time.Duration) {
	all := spansBack()
	i := slices.IndexFunc(all, func(d time.Duration) bool { return d >= 2*window })
	if i < 0 {
		i = len(all) - 1
	}
	p.Expr, p.last = expr, max(p.last, all[i])
}

// Scroll goes to another service.
func (p *metricsPane) Scroll(lines int) {
	if p.Expr == "" {
		p.w.choose(lines)
	}
}

// Out goes back from an expression to the charts; false from there.
func (p *metricsPane) Out() bool {
	out := p.Expr != ""
	p.Expr = ""
	return out
}

// Filter returns nil: plots are no list.
func (p *metricsPane) Filter() *string { return nil }

// Position says how far back the plots go.
func (p *metricsPane) Position() string { return "last " + humanize.Span(p.last) }

// Render draws the plots.
func (p *metricsPane) Render(width, height int) string {
	switch {
	case p.w.status == nil && p.charts == nil:
		return waiting(p.w, width)
	case p.fail != "":
		return strings.Join(p.w.warn.each(wrap(p.fail, width)), "\n")
	case len(p.charts) == 0:
		return p.w.faint.paint("asking for metrics")
	}
	d := drawnCharts{first: &p.charts[0], theme: p.w.theme, width: width, height: height, text: p.drawn.text}
	if d != p.drawn {
		d.text = strings.Join(p.draw(width, height), "\n")
		p.drawn = d
	}
	return d.text
}

func (p *metricsPane) draw(width, height int) []string {
	switch {
	case len(p.charts) == 1:
		return p.plot(p.charts[0], width, height)
	case p.w.linear:
		return p.rows(width, height)
	}
	return p.tiles(width, height)
}

// The least size of a plot among others.
const (
	tileWidth  = 34
	tileHeight = 4
	tileGap    = 2
)

// tiles lays the plots out in as many columns as fit; where they would be too low, one line tells of each.
func (p *metricsPane) tiles(width, height int) []string {
	columns := min(max((width+tileGap)/(tileWidth+tileGap), 1), 3)
	rows := (len(p.charts) + columns - 1) / columns
	if height/rows < tileHeight {
		return p.rows(width, height)
	}
	var lines []string
	for row := range rows {
		h := height*(row+1)/rows - height*row/rows
		band := make([]string, h)
		for column := range columns {
			i := row*columns + column
			if i >= len(p.charts) {
				break
			}
			w := (width - tileGap*(columns-1)) / columns
			gap := ""
			if column > 0 {
				gap = spaces(tileGap)
			}
			for j, line := range p.plot(p.charts[i], w, h) {
				band[j] += gap + line
			}
		}
		lines = append(lines, band...)
	}
	return lines
}

// rows tell of each line of each plot in one line.
func (p *metricsPane) rows(width, height int) []string {
	w := p.w
	var lines []string
	for _, c := range p.charts {
		for _, s := range c.series {
			name := strings.TrimSpace(c.title + " " + s.Name)
			if w.linear {
				s.Name = name
				lines = append(lines, wrap(plot.Sentence(s, plot.Options{Unit: c.unit, Step: gapAfter(c.step)}), width)...)
				continue
			}
			var values []float64
			for _, point := range s.Points {
				values = append(values, point.Value)
			}
			now, top := "none", "none"
			if len(values) > 0 {
				now, top = c.unit.Format(values[len(values)-1]), c.unit.Format(slices.Max(values))
			}
			line := w.fit(name, 13) + w.right(now, 8) + w.faint.paint("  to "+w.fit(top, 8))
			if room := width - 36; room > 4 {
				line += "  " + w.info.paint(w.spark(squeeze(values, min(room, maxGrown)), min(room, maxGrown), c.floor))
			}
			lines = append(lines, line)
		}
	}
	return lines[:min(len(lines), height)]
}

// squeeze makes at most n values of many: of each run the largest.
func squeeze(values []float64, n int) []float64 {
	if len(values) <= n {
		return values
	}
	all := make([]float64, n)
	for i := range all {
		all[i] = slices.Max(values[i*len(values)/n : (i+1)*len(values)/n])
	}
	return all
}

func (p *metricsPane) plot(c chart, width, height int) []string {
	w := p.w
	tones := [plot.Tones]tone{w.info, w.warn, w.bad, w.good, w.code, w.accent}
	empty := "no samples"
	if c.fail != "" {
		empty = c.fail
	}
	return plot.Lines(c.series, plot.Options{
		Width: width, Height: height, Title: c.title, Unit: c.unit, Floor: c.floor, From: c.from, To: c.to, Step: gapAfter(c.step), Empty: empty,
		Style: plot.Style{ASCII: w.ascii, Linear: w.linear, Paint: func(t plot.Tone, text string) string {
			switch t {
			case plot.Faint:
				return w.faint.paint(text)
			case plot.Title:
				return w.bold.paint(text)
			}
			return tones[(t-plot.First)%plot.Tones].paint(text)
		}},
	})
}

// gapAfter is the step that a plot is told: a point that is missing once, as when a scrape is late, is no gap.
func gapAfter(step time.Duration) time.Duration { return step * 3 / 2 }
