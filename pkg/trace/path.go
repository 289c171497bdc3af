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

// CriticalPath is what the duration of the root is made of, in order of time: the pieces follow each
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

// path walks back from the end of the root: the span that ends last before that moment is what was waited
// for. Children count as far as they lie within their parents.
func (t *Trace) path() {
	root := t.Root()
	if !root.End.After(root.Start) {
		return
	}
	stack := []frame{newFrame(root, root.Start, root.End)}
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
	for _, s := range t.Spans {
		slices.Reverse(s.Own)
	}
}

func newFrame(s *Span, low, at time.Time) frame {
	waiting := slices.Clone(s.Children)
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
