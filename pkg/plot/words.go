package plot

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/cells"
)

// Sentence describes one series, as Lines does in its linear form: its last, lowest and highest value,
// and whether it rises.
func Sentence(s Series, o Options) string {
	f := &frame{Options: o, all: measure([]Series{s}, o)}
	f.bounds()
	return f.sentence(f.all[0], clock(f.span.to.Sub(f.span.from)))
}

// words describe the drawing: of each series its figures, and then all values at times that are
// evenly apart.
func (f *frame) words() {
	if f.Title != "" {
		f.add(Title, f.Style.clean(f.Title))
	}
	layout := clock(f.span.to.Sub(f.span.from))
	for _, m := range f.all {
		f.say(f.sentence(m, layout))
	}
	f.say(fmt.Sprintf("Values from %s to %s:", f.span.from.Format(layout), f.span.to.Format(layout)))
	left := f.Height - len(f.lines)
	if left <= 0 {
		return
	}
	longest := 0
	for _, m := range f.all {
		longest = max(longest, len(m.points))
	}
	n := min(left, max(longest, 1))
	for i := range n {
		at := f.span.to
		if n > 1 {
			at = f.span.from.Add(time.Duration(float64(f.span.to.Sub(f.span.from)) * float64(i) / float64(n-1)))
		}
		f.say(f.moment(at, layout))
	}
}

// say adds a sentence, in as many lines as it takes.
func (f *frame) say(text string) {
	f.lines = append(f.lines, strings.Split(cells.Wrap(text, f.Width, ""), "\n")...)
}

func (f *frame) sentence(m measured, layout string) string {
	name := m.name
	if name != "" {
		name += ": "
	}
	if m.count == 0 {
		return name + "no values"
	}
	text := fmt.Sprintf("%slast %s, lowest %s at %s, highest %s at %s, %s", name, f.Unit.Format(m.last.Value),
		f.Unit.Format(m.low.Value), m.low.Time.Format(layout), f.Unit.Format(m.high.Value), m.high.Time.Format(layout), m.trend())
	switch {
	case m.gaps == 1:
		text += ", 1 gap"
	case m.gaps > 1:
		text += fmt.Sprintf(", %d gaps", m.gaps)
	}
	return text
}

// trend compares the means of the first and the last quarter.
func (m *measured) trend() string {
	var values []float64
	for _, p := range m.points {
		if drawn(p.Value) {
			values = append(values, p.Value)
		}
	}
	quarter := max(len(values)/4, 1)
	first, last := mean(values[:quarter]), mean(values[len(values)-quarter:])
	switch size := max(math.Abs(first), math.Abs(last)); {
	case last-first > size/5:
		return "rising"
	case first-last > size/5:
		return "falling"
	}
	return "steady"
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v / float64(len(values))
	}
	return sum
}

// moment lists the values of all series at a time.
func (f *frame) moment(at time.Time, layout string) string {
	parts := make([]string, 0, len(f.all))
	for _, m := range f.all {
		text := "none"
		if p, ok := f.nearest(m, at); ok {
			text = f.Unit.Format(p.Value)
		}
		parts = append(parts, strings.TrimSpace(m.name+" "+text))
	}
	return at.Format(layout) + "  " + strings.Join(parts, ", ")
}

// nearest is the point closest to a time; ok is false where the line has a gap there.
func (f *frame) nearest(m measured, at time.Time) (best Point, ok bool) {
	for _, p := range m.points {
		if !ok || p.Time.Sub(at).Abs() < best.Time.Sub(at).Abs() {
			best, ok = p, true
		}
	}
	if f.Step > 0 && best.Time.Sub(at).Abs() >= f.Step {
		return best, false
	}
	return best, ok && drawn(best.Value)
}
