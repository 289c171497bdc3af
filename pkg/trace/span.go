package trace

import (
	"strings"
	"time"
)

// Mark is a set of notable properties of a span.
type Mark uint16

const (
	// Failed: its status is an error.
	Failed Mark = 1 << iota
	// Retry: an earlier, equal call under the same parent failed.
	Retry
	// Faulty: a fault was injected into it on purpose.
	Faulty
	// Orphan: its parent is not among the spans.
	Orphan
	// Skewed: it begins before its parent, or is a call that is served after its end: clocks differ.
	Skewed
	// Late: it ends after its parent, which did not wait for it.
	Late
	// Duplicate: another span has its id.
	Duplicate
	// Cyclic: it is its own ancestor, by what the spans say.
	Cyclic
	// Untimed: its times are missing or cannot be right.
	Untimed
)

// Has reports whether all of m hold.
func (k Mark) Has(m Mark) bool { return k&m == m }

// Words are the marks in words: "error", "retry", ...
func (k Mark) Words() []string {
	var words []string
	for i, word := range [...]string{"error", "retry", "fault", "orphan", "skew", "late", "duplicate", "cycle", "untimed"} {
		if k.Has(1 << i) {
			words = append(words, word)
		}
	}
	return words
}

// Attribute is one attribute with its value as text.
type Attribute struct{ Key, Value string }

// Event is something that happened during a span.
type Event struct {
	Time       time.Time
	Name       string
	Attributes []Attribute
}

// Link is another span that a span belongs to without being its child: the message that a batch was made of, the request
// that started it.
type Link struct {
	Trace      ID
	Span       SpanID
	Attributes []Attribute
}

// String is "trace ID span ID", and the attributes.
func (l Link) String() string {
	text := "trace " + l.Trace.String() + " span " + l.Span.String()
	for _, a := range l.Attributes {
		text += " " + a.Key + "=" + a.Value
	}
	return text
}

// Interval is a piece of time.
type Interval struct{ From, To time.Time }

// Span is one span in its place in a trace.
type Span struct {
	Record
	// Message explains a status that is an error.
	Message string
	// Attributes are its own, Resource those of what sent it; both in their order.
	Attributes, Resource []Attribute
	Events               []Event
	Links                []Link

	// Up is the span above, nil for a root; Children are those below, by start.
	Up       *Span
	Children []*Span
	Depth    int
	Marks    Mark
	// Attempt counts from 1 where the same call was tried Attempts times; both are 0 elsewhere.
	Attempt, Attempts int
	// Fault is the id of the fault that was injected, Effect what it did: "UNAVAILABLE", "+500ms".
	Fault, Effect string
	// Flags are the response flags of the sidecars whose spans were folded into it: "UT".
	Flags []string
	// Own are the pieces of the critical path that are this span's and none of its children's.
	Own []Interval
}

// Duration is from start to end, never below zero; 0 if the times are not known.
func (s *Span) Duration() time.Duration { return max(0, s.End.Sub(s.Start)) }

// OwnTime is the span's share of the critical path.
func (s *Span) OwnTime() time.Duration {
	var sum time.Duration
	for _, i := range s.Own {
		sum += i.To.Sub(i.From)
	}
	return sum
}

// Attribute is the value of an attribute, "" if there is none.
func (s *Span) Attribute(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

// Operation is the short name: for an RPC, the method without the service.
func (r Record) Operation() string {
	if i := strings.LastIndexByte(r.Name, '/'); i > 0 && i < len(r.Name)-1 && r.Name[i+1:] != "*" && !strings.ContainsAny(r.Name, " {") {
		return r.Name[i+1:]
	}
	return r.Name
}

// Trace is the spans of one request, as a tree.
type Trace struct {
	ID ID
	// Spans in the order of a waterfall: each before its children, siblings by start.
	Spans []*Span
	// Roots have no parent; the first is the trace's own, others are orphans or torn off.
	Roots []*Span
	// Start and End are those of the spans whose times are known; zero if none is.
	Start, End time.Time
	// Services in order of their first span.
	Services []string
	Errors   int
	// Repeated counts the spans that came twice and are here once.
	Repeated int
	// Folded counts the spans of proxies that are left out.
	Folded int
}

// Root is the span that the trace is about.
func (t *Trace) Root() *Span { return t.Roots[0] }

// Duration is from the first start to the last end.
func (t *Trace) Duration() time.Duration { return max(0, t.End.Sub(t.Start)) }

// Entered: the caller of the root sent no span, so that the root has an unknown parent, and
// everything else hangs below it.
func (t *Trace) Entered() bool {
	return len(t.Roots) == 1 && t.Roots[0].Parent != SpanID{} && !t.Roots[0].Marks.Has(Cyclic)
}

// Count is how many spans have all of m.
func (t *Trace) Count(m Mark) int {
	n := 0
	for _, s := range t.Spans {
		if s.Marks.Has(m) {
			n++
		}
	}
	return n
}
