package pane

import (
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/plot"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Metrics plots the metrics of the selected service, or any expression.
type Metrics struct {
	state *State
	// Expr is plotted in place of the service's charts if it is not empty.
	Expr   string
	span   time.Duration
	charts []feed.Chart
	fail   string
	drawn  drawnCharts
}

// drawnCharts are the charts as they were last drawn, and what that depended on.
type drawnCharts struct {
	first         *feed.Chart
	theme         *style.Theme
	width, height int
	text          string
}

// ranges are the spans of time that can be plotted.
func ranges() []time.Duration {
	return []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
}

func NewMetrics(state *State) *Metrics { return &Metrics{state: state, span: ranges()[1]} }

func (p *Metrics) Query() feed.Query {
	s := feed.Query{Topic: feed.TopicMetrics, Expr: p.Expr, Range: p.span}
	if p.Expr == "" {
		s.Service = p.state.Selected
	}
	return s
}

func (p *Metrics) Apply(s *feed.Result) {
	p.fail = s.Failure
	if s.Failure == "" {
		p.charts = s.Charts
	}
}

func (p *Metrics) Forget() { p.charts, p.fail = nil, "" }

// Longer plots a longer span, or a shorter one if by is negative.
func (p *Metrics) Longer(by int) {
	all := ranges()
	p.span = all[min(max(slices.Index(all, p.span)+by, 0), len(all)-1)]
}

// Plot plots an expression over the shortest span that is at least twice its window.
func (p *Metrics) Plot(expr string, window time.Duration) {
	all := ranges()
	i := slices.IndexFunc(all, func(d time.Duration) bool { return d >= 2*window })
	if i < 0 {
		i = len(all) - 1
	}
	p.Expr, p.span = expr, max(p.span, all[i])
}

// Scroll selects another service.
func (p *Metrics) Scroll(lines int) {
	if p.Expr == "" {
		p.state.moveSelection(lines)
	}
}

// Out goes back from an expression to the charts; false from there.
func (p *Metrics) Out() bool {
	out := p.Expr != ""
	p.Expr = ""
	return out
}

// Filter returns nil: plots are not a list.
func (p *Metrics) Filter() *string { return nil }

// Position is the span that is plotted.
func (p *Metrics) Position() string { return "last " + humanize.Span(p.span) }

// Render draws the plots.
func (p *Metrics) Render(width, height int) string {
	switch {
	case p.state.Status == nil && p.charts == nil:
		return waiting(p.state, width)
	case p.fail != "":
		return strings.Join(p.state.Warn.PaintLines(style.Wrap(p.fail, width)), "\n")
	case len(p.charts) == 0:
		return p.state.Faint.Paint("loading metrics")
	}
	d := drawnCharts{first: &p.charts[0], theme: p.state.Theme, width: width, height: height, text: p.drawn.text}
	if d != p.drawn {
		d.text = strings.Join(p.draw(width, height), "\n")
		p.drawn = d
	}
	return d.text
}

func (p *Metrics) draw(width, height int) []string {
	switch {
	case len(p.charts) == 1:
		return p.plot(p.charts[0], width, height)
	case p.state.Linear:
		return p.rows(width, height)
	}
	return p.tiles(width, height)
}

// The smallest size of one of several plots.
const (
	tileWidth  = 34
	tileHeight = 4
	tileGap    = 2
)

// tiles lays the plots out in as many columns as fit; where they would be too low, each is one line.
func (p *Metrics) tiles(width, height int) []string {
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
				gap = style.Spaces(tileGap)
			}
			for j, line := range p.plot(p.charts[i], w, h) {
				band[j] += gap + line
			}
		}
		lines = append(lines, band...)
	}
	return lines
}

// rows draws each series of each plot in one line.
func (p *Metrics) rows(width, height int) []string {
	state := p.state
	var lines []string
	for _, c := range p.charts {
		for _, s := range c.Series {
			name := strings.TrimSpace(c.Title + " " + s.Name)
			if state.Linear {
				s.Name = name
				lines = append(lines, style.Wrap(plot.Sentence(s, plot.Options{Unit: c.Unit, Step: maxGap(c.Step)}), width)...)
				continue
			}
			var values []float64
			for _, point := range s.Points {
				values = append(values, point.Value)
			}
			now, top := "none", "none"
			if len(values) > 0 {
				now, top = c.Unit.Format(values[len(values)-1]), c.Unit.Format(slices.Max(values))
			}
			line := state.Fit(name, 13) + state.AlignRight(now, 8) + state.Faint.Paint("  to "+state.Fit(top, 8))
			if room := width - 36; room > 4 {
				line += "  " + state.Info.Paint(state.spark(squeeze(values, min(room, style.MaxGrown)), min(room, style.MaxGrown), c.Floor))
			}
			lines = append(lines, line)
		}
	}
	return lines[:min(len(lines), height)]
}

// squeeze reduces values to at most n: the largest of each run.
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

func (p *Metrics) plot(c feed.Chart, width, height int) []string {
	state := p.state
	tones := [plot.Tones]style.Tone{state.Info, state.Warn, state.Bad, state.Good, state.Code, state.Accent}
	empty := "no samples"
	if c.Failure != "" {
		empty = c.Failure
	}
	return plot.Lines(c.Series, plot.Options{
		Width: width, Height: height, Title: c.Title, Unit: c.Unit, Floor: c.Floor, From: c.From, To: c.To, Step: maxGap(c.Step), Empty: empty,
		Style: plot.Style{ASCII: state.ASCII, Linear: state.Linear, Paint: func(t plot.Tone, text string) string {
			switch t {
			case plot.Faint:
				return state.Faint.Paint(text)
			case plot.Title:
				return state.Bold.Paint(text)
			}
			return tones[(t-plot.First)%plot.Tones].Paint(text)
		}},
	})
}

// maxGap is the step for the plot: a single missing point, for example of a late scrape, is not a gap.
func maxGap(step time.Duration) time.Duration { return step * 3 / 2 }
