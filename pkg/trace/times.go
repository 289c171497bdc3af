package trace

import (
	"slices"
	"time"
)

// Far is how far apart the moments of one trace may lie. A span that is further from the others has no time that could be
// right: it was sent in another unit, or by a clock that was never set.
const Far = 7 * 24 * time.Hour

// Clocks of spans lie between these years: a time in seconds, milliseconds or microseconds that is read as nanoseconds is
// before them.
const firstYear, lastYear = 2000, 2200

// Timed reports whether a span can have taken place from start to end. Both must be given, in this order.
func Timed(start, end time.Time) bool {
	return given(start) && given(end) && !end.Before(start) && end.Sub(start) <= Far
}

// HasTime reports whether it is known when the span took place.
func (r *Record) HasTime() bool { return !r.Start.IsZero() }

// Timed reports whether it is known when the span took place. If it is not, Start and End are where the span is shown.
func (s *Span) Timed() bool { return !s.Marks.Has(Untimed) }

// Timed reports whether it is known when the trace took place.
func (t *Trace) Timed() bool { return !t.Start.IsZero() }

// time marks the spans whose times cannot be right: those that have none, and those that are far from most others.
func (t *Trace) time() {
	var timed []*Span
	for _, s := range t.Spans {
		if Timed(s.Start, s.End) {
			timed = append(timed, s)
			continue
		}
		s.Marks |= Untimed
		if given(s.Start) && given(s.End) && s.End.Before(s.Start) {
			s.Marks |= Skewed
		}
	}
	slices.SortStableFunc(timed, byStart)
	var best []*Span
	for len(timed) > 0 {
		n, end := 1, timed[0].End
		for n < len(timed) && timed[n].Start.Sub(end) <= Far {
			end = later(end, timed[n].End)
			n++
		}
		for _, s := range timed[:n] {
			s.Marks |= Untimed
		}
		if n >= len(best) {
			best = timed[:n]
		}
		timed = timed[n:]
	}
	for _, s := range best {
		s.Marks &^= Untimed
		if t.Start.IsZero() || s.Start.Before(t.Start) {
			t.Start = s.Start
		}
		t.End = later(t.End, s.End)
	}
}

func given(at time.Time) bool { return at.Year() >= firstYear && at.Year() < lastYear }

// place shows the spans without a time where the nearest span above them begins. It must know their parents.
func (t *Trace) place() {
	placed := map[*Span]bool{}
	var walk []*Span
	for _, s := range t.Spans {
		walk = walk[:0]
		up := s
		for up != nil && !up.Timed() && !placed[up] {
			placed[up] = true
			up.Start = t.Start // where parents form a circle
			walk = append(walk, up)
			up = up.Up
		}
		at := t.Start
		if up != nil {
			at = up.Start
		}
		for _, w := range walk {
			w.Start, w.End = at, at
		}
	}
	slices.SortStableFunc(t.Spans, byStart)
}
