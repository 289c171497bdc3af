package trace

import (
	"slices"
	"time"
)

// Pair is a place in two traces: the same operation of the same service below the same operations. One
// side is nil where only the other trace has it.
type Pair struct {
	A, B  *Span
	Depth int
}

// Span is the one of B, or of A where B has none.
func (p Pair) Span() *Span {
	if p.B != nil {
		return p.B
	}
	return p.A
}

// Known reports whether the times of both sides are known.
func (p Pair) Known() bool { return (p.A == nil || p.A.Timed()) && (p.B == nil || p.B.Timed()) }

// Delta is how much longer it takes in B.
func (p Pair) Delta() time.Duration {
	var d time.Duration
	if p.B != nil {
		d += p.B.Duration()
	}
	if p.A != nil {
		d -= p.A.Duration()
	}
	return d
}

// Cause is how much longer B waits for this place itself. The causes of all places add up to the
// difference between the durations of the two roots.
func (p Pair) Cause() time.Duration {
	var d time.Duration
	if p.B != nil {
		d += p.B.OwnTime()
	}
	if p.A != nil {
		d -= p.A.OwnTime()
	}
	return d
}

// Diff is two traces side by side.
type Diff struct {
	A, B *Trace
	// Pairs in the order of a waterfall.
	Pairs []Pair
}

// Compare compares two traces. The roots are each other's counterparts whatever they are
// called; below them, the first span of a service and a name is that of the first in the other trace,
// the second of the second.
func Compare(a, b *Trace) *Diff {
	d := &Diff{A: a, B: b}
	d.Pairs = append(d.Pairs, Pair{A: a.Root(), B: b.Root()})
	var stack []Pair
	push := func(a, b []*Span, depth int) {
		pairs := match(a, b, depth)
		slices.Reverse(pairs)
		stack = append(stack, pairs...)
	}
	push(a.Roots[1:], b.Roots[1:], 0)
	push(a.Root().Children, b.Root().Children, 1)
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		d.Pairs = append(d.Pairs, p)
		push(p.A.children(), p.B.children(), p.Depth+1)
	}
	return d
}

func (s *Span) children() []*Span {
	if s == nil {
		return nil
	}
	return s.Children
}

// match pairs siblings by service, name and kind, in the order of B; those only in A come where they
// would have begun.
func match(a, b []*Span, depth int) []Pair {
	type key struct {
		service, name string
		kind          Kind
	}
	waiting := map[key][]*Span{}
	for _, s := range a {
		k := key{s.Service, s.Name, s.Kind}
		waiting[k] = append(waiting[k], s)
	}
	partner := map[*Span]*Span{}
	for _, s := range b {
		k := key{s.Service, s.Name, s.Kind}
		if w := waiting[k]; len(w) > 0 {
			partner[s], partner[w[0]] = w[0], s
			waiting[k] = w[1:]
		}
	}
	var pairs []Pair
	i := 0
	for _, s := range b {
		if partner[s] != nil {
			for ; i < len(a) && a[i] != partner[s]; i++ {
				if partner[a[i]] == nil {
					pairs = append(pairs, Pair{A: a[i], Depth: depth})
				}
			}
		}
		pairs = append(pairs, Pair{A: partner[s], B: s, Depth: depth})
	}
	for ; i < len(a); i++ {
		if partner[a[i]] == nil {
			pairs = append(pairs, Pair{A: a[i], Depth: depth})
		}
	}
	return pairs
}
