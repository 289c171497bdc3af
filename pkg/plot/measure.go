package plot

import (
	"math"
	"time"
)

// most bounds the values that are drawn, far from where differences of them overflow.
const most = 1e300

// measured is a series with its figures.
type measured struct {
	name   string
	points []Point // those in the range, gaps included
	count  int     // of points that are not gaps
	gaps   int     // between points
	last   Point
	low    Point
	high   Point
}

// longest bounds the time that a plot shows, far from where differences of times overflow.
const longest = 50 * 365 * 24 * time.Hour

// drawn reports whether a value can be drawn.
func drawn(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// apart reports whether the line is interrupted between two consecutive points.
func (o Options) apart(a, b Point) bool {
	return !drawn(a.Value) || !drawn(b.Value) || o.Step > 0 && b.Time.Sub(a.Time) >= 2*o.Step
}

func measure(series []Series, o Options) []measured {
	all := make([]measured, len(series))
	for i, s := range series {
		m := measured{name: o.Style.clean(s.Name), points: make([]Point, 0, len(s.Points))}
		for _, p := range s.Points {
			if !o.From.IsZero() && p.Time.Before(o.From) || !o.To.IsZero() && p.Time.After(o.To) {
				continue
			}
			if drawn(p.Value) {
				p.Value = min(max(p.Value, -most), most)
			}
			m.add(p, o)
		}
		all[i] = m
	}
	return all
}

func (m *measured) add(p Point, o Options) {
	if drawn(p.Value) {
		if m.count > 0 && o.apart(m.points[len(m.points)-1], p) {
			m.gaps++
		}
		if m.count == 0 || p.Value < m.low.Value {
			m.low = p
		}
		if m.count == 0 || p.Value > m.high.Value {
			m.high = p
		}
		m.last = p
		m.count++
	}
	m.points = append(m.points, p)
}

// span is the range of times and values that a plot shows.
type span struct {
	from, to  time.Time
	low, high float64
}

// spanOf is the range that series cover, extended by the options.
func spanOf(all []measured, o Options) span {
	s := span{from: o.From, to: o.To, low: math.Inf(1), high: math.Inf(-1)}
	for _, m := range all {
		if m.count == 0 {
			continue
		}
		for _, p := range m.points {
			if o.From.IsZero() && (s.from.IsZero() || p.Time.Before(s.from)) {
				s.from = p.Time
			}
			if o.To.IsZero() && (s.to.IsZero() || p.Time.After(s.to)) {
				s.to = p.Time
			}
		}
		s.low, s.high = min(s.low, m.low.Value), max(s.high, m.high.Value)
	}
	if drawn(o.Floor) && o.Floor > 0 {
		s.high = max(s.high, min(o.Floor, most))
	}
	if s.to.Sub(s.from) > longest {
		s.to = s.from.Add(longest)
	}
	if s.low > 0 && s.low < s.high/2+s.high/4 || s.low == s.high && s.low > 0 {
		s.low = 0 // the height of a line is then its value
	}
	if s.low == s.high {
		s.high = s.low + max(math.Abs(s.low), 1)
	}
	return s
}
