package trace

import (
	"cmp"
	"slices"
	"time"
)

// slack is how far a child may lie outside its parent before that is worth a word.
const slack = 100 * time.Microsecond

// Assemble gathers spans into traces, in the order in which their first spans come. Spans may be
// incomplete, repeated or contradict each other: what does not fit is marked, and nothing is lost but
// exact copies. The spans of proxies are folded.
func Assemble(spans []*Span) []*Trace {
	kept, folded := fold(spans)
	traces := AssembleAll(kept)
	for _, t := range traces {
		t.Folded = folded[t.ID]
	}
	return traces
}

// AssembleAll is Assemble with the spans of proxies.
func AssembleAll(spans []*Span) []*Trace {
	var traces []*Trace
	byID := map[ID]*Trace{}
	for _, s := range spans {
		t := byID[s.Trace]
		if t == nil {
			t = &Trace{ID: s.Trace}
			byID[s.Trace] = t
			traces = append(traces, t)
		}
		t.Spans = append(t.Spans, s)
	}
	for _, t := range traces {
		t.assemble()
	}
	return traces
}

func (t *Trace) assemble() {
	t.time()
	slices.SortStableFunc(t.Spans, byStart)
	t.join()
	t.place()
	t.cut()
	t.flatten()
	t.measure()
	for _, s := range t.Spans {
		s.judge()
		numberAttempts(s.Children)
	}
	numberAttempts(t.Roots)
	for _, s := range t.Spans {
		if s.Attempt > 1 {
			s.Marks |= Retry
		}
	}
	t.path()
}

// byStart puts a client before the server that it shares a moment with, so that order never depends on
// which of them was sent first.
func byStart(a, b *Span) int {
	return cmp.Or(a.Start.Compare(b.Start), b.End.Compare(a.End), slices.Compare(a.Span[:], b.Span[:]))
}

// join drops copies and connects each span with its parent.
func (t *Trace) join() {
	first := make(map[SpanID]*Span, len(t.Spans))
	kept := t.Spans[:0]
	for _, s := range t.Spans {
		other, taken := first[s.Span]
		if taken && other.same(s) {
			t.Repeated++
			continue
		}
		if taken {
			s.Marks |= Duplicate
			other.Marks |= Duplicate
		} else {
			first[s.Span] = s
		}
		kept = append(kept, s)
	}
	t.Spans = kept
	for _, s := range t.Spans {
		if s.Parent == (SpanID{}) {
			continue
		}
		if s.Up = first[s.Parent]; s.Up == nil {
			s.Marks |= Orphan
		}
	}
}

// same reports whether a span is a copy of another with the same id.
func (s *Span) same(o *Span) bool {
	return s.Kind == o.Kind && s.Service == o.Service && s.Name == o.Name && s.Parent == o.Parent && s.Start.Equal(o.Start) && s.End.Equal(o.End)
}

// cut opens circles of parents at their earliest span, and finds the roots.
func (t *Trace) cut() {
	const walking, done = 1, 2
	state := make(map[*Span]int, len(t.Spans))
	var walk []*Span
	for _, s := range t.Spans { // by start, so a circle is met at its earliest span
		walk = walk[:0]
		at := s
		for at != nil && state[at] == 0 {
			state[at] = walking
			walk = append(walk, at)
			at = at.Up
		}
		if at != nil && state[at] == walking {
			open := slices.MinFunc(walk[slices.Index(walk, at):], byStart)
			open.Up = nil
			open.Marks |= Cyclic
		}
		for _, w := range walk {
			state[w] = done
		}
	}
	for _, s := range t.Spans {
		if s.Up == nil {
			t.Roots = append(t.Roots, s)
		} else {
			s.Up.Children = append(s.Up.Children, s)
		}
	}
	// What has no parent at all is the root, even where an orphan's clock is ahead.
	slices.SortStableFunc(t.Roots, func(a, b *Span) int {
		return cmp.Compare(b2i(a.Marks.Has(Orphan) || a.Marks.Has(Cyclic)), b2i(b.Marks.Has(Orphan) || b.Marks.Has(Cyclic)))
	})
	if t.Entered() {
		t.Roots[0].Marks &^= Orphan
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// flatten orders the spans as a waterfall does, and numbers their depth.
func (t *Trace) flatten() {
	ordered := make([]*Span, 0, len(t.Spans))
	stack := slices.Clone(t.Roots)
	slices.Reverse(stack)
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if s.Up != nil {
			s.Depth = s.Up.Depth + 1
		}
		ordered = append(ordered, s)
		for _, c := range slices.Backward(s.Children) {
			stack = append(stack, c)
		}
	}
	t.Spans = ordered
}

func (t *Trace) measure() {
	known := map[string]bool{}
	for _, s := range slices.SortedStableFunc(slices.Values(t.Spans), byStart) {
		if s.Error {
			t.Errors++
		}
		if !known[s.Service] {
			known[s.Service] = true
			t.Services = append(t.Services, s.Service)
		}
	}
}

// judge sets the marks that a span and its parent decide.
func (s *Span) judge() {
	if s.Error {
		s.Marks |= Failed
	}
	if s.Fault = s.Attribute(faultKey); s.Fault != "" {
		s.Marks |= Faulty
		s.Effect = s.Attribute(effectKey)
	}
	if s.Up == nil || !s.Timed() || !s.Up.Timed() {
		return
	}
	called := s.Kind == Server && s.Up.Kind == Client
	if s.Up.Start.Sub(s.Start) > slack || called && s.Start.Sub(s.Up.End) > slack {
		s.Marks |= Skewed
	} else if s.End.Sub(s.Up.End) > slack {
		s.Marks |= Late
	}
}

// Attributes that the chassis puts on a span into which it injects a fault.
const (
	faultKey  = "shopctl.fault"
	effectKey = "shopctl.fault.effect"
)

// numberAttempts finds calls among siblings that were tried again: the same call, begun after an
// earlier one had failed. gRPC's own retries are servers' spans below one client's.
func numberAttempts(siblings []*Span) {
	type call struct {
		kind          Kind
		service, name string
		peer          string
	}
	last := map[call]*Span{}
	var chains []*Span // last spans of chains
	before := map[*Span]*Span{}
	for _, s := range siblings {
		if s.Kind != Client && s.Kind != Server || !s.Timed() {
			continue
		}
		key := call{s.Kind, s.Service, s.Name, s.Peer}
		if prev := last[key]; prev != nil && prev.Error && !s.Start.Before(prev.End) {
			before[s] = prev
			chains = slices.DeleteFunc(chains, func(c *Span) bool { return c == prev })
			chains = append(chains, s)
		}
		last[key] = s
	}
	for _, end := range chains {
		n := 0
		for s := end; s != nil; s = before[s] {
			n++
		}
		for s, i := end, n; s != nil; s, i = before[s], i-1 {
			s.Attempt, s.Attempts = i, n
		}
	}
}
