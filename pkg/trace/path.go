package trace

import (
	"cmp"
	"slices"
	"time"
)

// Step is a piece of the critical path: for this long the trace waited only for this span.
type Step struct {
	Span *Span
	Interval
}

// CriticalPath is what the duration of the roots is made of, in order of time: the pieces of one root follow each
// other without a gap, and shortening any of them would have shortened the whole.
func (t *Trace) CriticalPath() []Step {
	var steps []Step
	for _, s := range t.Spans {
		for _, own := range s.Own {
			steps = append(steps, Step{s, own})
		}
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return a.From.Compare(b.From) })
	return steps
}

// frame is a span on the way down the path, from its end backwards: what lies between low and at is
// still to be given to it or to its children, which count up to high.
type frame struct {
	span          *Span
	low, at, high time.Time
	waiting       []*Span // children, the one that ends last at the end
}

// path walks back from the end of each root: the span that ends last before that moment is what was waited for. Children
// count as far as they lie within their parents. A root that overlaps a later one counts up to where that begins.
func (t *Trace) path() {
	var at time.Time
	for _, root := range t.pathRoots() {
		to := root.End
		if !at.IsZero() && to.After(at) {
			to = at
		}
		if to.After(root.Start) {
			walk(newFrame(root, root.Start, to))
			at = root.Start
		}
	}
	for _, s := range t.Spans {
		slices.Reverse(s.Own)
	}
}

// pathRoots are the roots that the trace is about, the one that ends last first: its own, and others that have no parent.
// What is below a root without a time stands in its place.
func (t *Trace) pathRoots() []*Span {
	own := []*Span{t.Root()}
	for _, s := range t.Roots[1:] {
		if s.Parent == (SpanID{}) && s.Kind != Consumer {
			own = append(own, s)
		}
	}
	own = timed(own)
	slices.SortStableFunc(own, func(a, b *Span) int { return cmp.Or(b.End.Compare(a.End), b.Start.Compare(a.Start)) })
	return own
}

// timed replaces the spans without a time by those below them.
func timed(spans []*Span) []*Span {
	all := !slices.ContainsFunc(spans, func(s *Span) bool { return !s.Timed() })
	if all {
		return slices.Clone(spans)
	}
	var out []*Span
	stack := slices.Clone(spans)
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if s.Timed() {
			out = append(out, s)
		} else {
			stack = append(stack, s.Children...)
		}
	}
	return out
}

func walk(root frame) {
	stack := []frame{root}
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		child, from, to := f.next()
		if child == nil {
			f.own(f.low)
			stack = stack[:len(stack)-1]
			continue
		}
		f.own(to)
		f.at = from
		stack = append(stack, newFrame(child, from, to))
	}
}

func newFrame(s *Span, low, at time.Time) frame {
	waiting := timed(s.Children)
	slices.SortStableFunc(waiting, func(a, b *Span) int {
		return cmp.Or(a.End.Compare(b.End), b.Start.Compare(a.Start))
	})
	return frame{s, low, at, at, waiting}
}

// next is the child that ended last before the moment at which the frame is. Callers do not wait for consumers.
func (f *frame) next() (child *Span, from, to time.Time) {
	for len(f.waiting) > 0 {
		child = f.waiting[len(f.waiting)-1]
		f.waiting = f.waiting[:len(f.waiting)-1]
		from, to = later(child.Start, f.low), child.End
		if to.After(f.high) {
			to = f.high
		}
		if child.Kind != Consumer && !to.After(f.at) && from.Before(to) {
			return child, from, to
		}
	}
	return nil, time.Time{}, time.Time{}
}

// own gives the span what lies between from and where the frame is.
func (f *frame) own(from time.Time) {
	if f.at.After(from) {
		f.span.Own = append(f.span.Own, Interval{from, f.at})
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
