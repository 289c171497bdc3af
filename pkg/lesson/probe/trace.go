package probe

import (
	"slices"
	"time"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Trace looks for traces since the step began that meet all conditions.
type Trace struct {
	At strictyaml.Position
	// Service, Operation and Error select traces that have such a span.
	Service   string `yaml:"service"`
	Operation string `yaml:"operation"`
	Error     bool   `yaml:"error"`
	// Above and Below bound the whole trace's duration.
	Within `yaml:",inline"`
	// AtLeast is how many traces must match; default 1.
	AtLeast int `yaml:"at_least"`
	// Services must all take part in a trace, those of Without must not.
	Services Strings `yaml:"services"`
	Without  Strings `yaml:"without"`
	// Spans must all be found in a trace.
	Spans []Span `yaml:"spans"`
}

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

// Validate implements Probe.
func (t *Trace) Validate(report Report) {
	if t.Service == "" && t.Operation == "" && len(t.Spans) == 0 && len(t.Services) == 0 {
		report(t.At, "a trace check has a service, an operation, services or spans")
	}
	if t.Below > 0 && t.Below <= t.Above {
		report(t.At, "no duration is above %s and below %s", t.Above, t.Below)
	}
	for _, s := range t.Spans {
		if s.Service == "" && s.Name == "" {
			report(s.At, "a span has a service or a name")
		}
		if kinds := s.Kind.Values(); s.Kind != "" && !slices.Contains(kinds, string(s.Kind)) {
			report(s.At, "unknown kind %q%s", s.Kind, strictyaml.DidYouMean(string(s.Kind), kinds))
		}
		if p := s.Parent; p != nil && p.Service == "" && p.Name == "" {
			report(p.At, "a parent has a service or a name")
		}
		for _, a := range s.Attributes {
			if a.Key == "" || a.empty() {
				report(a.At, "an attribute has a key and a condition")
			}
		}
		report.bounds(s.Count)
	}
}

// ProbeKind implements Probe.
func (*Trace) ProbeKind() string { return "trace" }

// NamedServices implements Probe.
func (t *Trace) NamedServices() []Named {
	all := []Named{{t.Service, t.At}}
	for _, list := range []Strings{t.Services, t.Without} {
		for _, name := range list {
			all = append(all, Named{name, t.At})
		}
	}
	for _, s := range t.Spans {
		all = append(all, Named{s.Service, s.At})
		if s.Parent != nil {
			all = append(all, Named{s.Parent.Service, s.Parent.At})
		}
	}
	return all
}

// Lookback implements Probe.
func (*Trace) Lookback() time.Duration { return 0 }

// Triggers implements Probe.
func (*Trace) Triggers() Event { return TraceEnded }
