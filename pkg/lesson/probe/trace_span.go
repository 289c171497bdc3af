package probe

import (
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/strictyaml"
	"github.com/shopctl/shopctl/pkg/trace"
)

// Span is a span that a trace must have, Count times.
type Span struct {
	At      strictyaml.Position
	Service string `yaml:"service"`
	// Name is the operation: of an RPC the method, "Charge"; or the whole name.
	Name string `yaml:"name"`
	// Kind is server, client, internal, producer or consumer.
	Kind SpanKind `yaml:"kind"`
	// Error selects spans that failed, or that did not.
	Error *bool `yaml:"error"`
	// Above and Below bound the span's duration.
	Within     `yaml:",inline"`
	Attributes []Attribute `yaml:"attributes"`
	// Parent is the nearest span above of another service.
	Parent *Parent `yaml:"parent"`
	// Count per trace; default at least 1.
	Count *Bound `yaml:"count"`
}

// Parent is the caller.
type Parent struct {
	At      strictyaml.Position
	Service string `yaml:"service"`
	Name    string `yaml:"name"`
}

// Attribute is an attribute of a span and the condition on its value.
type Attribute struct {
	At    strictyaml.Position
	Key   string `yaml:"key" lesson:"required"`
	Match `yaml:",inline"`
}

// SpanKind is the kind of a span.
type SpanKind string

// Values returns all kinds.
func (SpanKind) Values() []string {
	return []string{"server", "client", "internal", "producer", "consumer"}
}

// lackingSpan looks for the wanted spans. Of those with the name, the last that matches decides, or else the last.
func lackingSpan(want []Span, t *trace.Trace, names aliases) (lacks, decides string) {
	for i := range want {
		w := &want[i]
		n, named := 0, 0
		for _, s := range t.Spans {
			if !isNamed(s, w.Service, w.Name, names) {
				continue
			}
			named++
			ok := fits(w, s, names)
			if ok {
				n++
			}
			if ok || n == 0 {
				decides = s.Span.String()
			}
		}
		if w.Count == nil && n > 0 || w.Count != nil && w.Count.Holds(float64(n)) {
			continue
		}
		is := fmt.Sprintf("%s: %d", wantedSpan(w), n)
		if named > n {
			is += fmt.Sprintf(" of %d with that name", named)
		}
		return is, decides
	}
	return "", decides
}

func isNamed(s *trace.Span, service, name string, names aliases) bool {
	return (service == "" || names.same(s.Service, service)) && (name == "" || s.Name == name || s.Operation() == name)
}

func fits(w *Span, s *trace.Span, names aliases) bool {
	if w.Kind != "" && s.Kind.String() != string(w.Kind) || w.Error != nil && s.Error != *w.Error || !w.Holds(s.Duration()) {
		return false
	}
	for _, a := range w.Attributes {
		if !a.Match.Holds(attributeOf(s, a.Key)) {
			return false
		}
	}
	return w.Parent == nil || isCalledBy(s, w.Parent, names)
}

// attributeOf is the value of an attribute, nil if the span does not have it.
func attributeOf(s *trace.Span, key string) any {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value
		}
	}
	return nil
}

// isCalledBy examines the ancestors up to the one that served the caller's own request, so that a method is found above
// the client's span in between.
func isCalledBy(s *trace.Span, p *Parent, names aliases) bool {
	for up := s.Up; up != nil; up = up.Up {
		if isNamed(up, p.Service, p.Name, names) {
			return true
		}
		if up.Kind == trace.Server || up.Kind == trace.Consumer {
			return false
		}
	}
	return false
}

func wantedSpan(w *Span) string {
	parts := []string{strings.TrimSpace(w.Service + " " + w.Name)}
	if w.Kind != "" {
		parts = append(parts, "("+string(w.Kind)+")")
	}
	if w.Error != nil {
		parts = append(parts, map[bool]string{true: "failed", false: "without an error"}[*w.Error])
	}
	if in := w.Within.String(); in != "" {
		parts = append(parts, "in "+in)
	}
	for _, a := range w.Attributes {
		parts = append(parts, "with "+a.Key+" "+a.Match.String())
	}
	if w.Parent != nil {
		parts = append(parts, "called by "+strings.TrimSpace(w.Parent.Service+" "+w.Parent.Name))
	}
	return strings.Join(parts, " ")
}
