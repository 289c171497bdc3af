package format

import (
	"time"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// PromQL evaluates an expression over the shop's metrics and bounds what comes out.
type PromQL struct {
	At strictyaml.Position
	// Expr may look back to the beginning of the step: up[$since].
	Expr string `yaml:"expr"`
	// The bound stands beside the expression: above, below, at_least, at_most, equals.
	BoundFields `yaml:",inline"`
	// Unit is what the number counts, for people: "attempts per order".
	Unit string `yaml:"unit"`
	// Any is satisfied by one of several series; otherwise each must be within the bound.
	Any bool `yaml:"any"`
	// Enough says when there is enough to judge by; until then the check is inconclusive.
	Enough *Enough `yaml:"enough"`
}

// Enough is how many samples a judgement needs.
type Enough struct {
	At      strictyaml.Position
	Expr    string  `yaml:"expr"`
	AtLeast float64 `yaml:"at_least"`
}

// Trace looks for traces since the step began that have all that is asked.
type Trace struct {
	At strictyaml.Position
	// Service, Operation and Error choose the traces that are looked at: those with such a span.
	Service   string `yaml:"service"`
	Operation string `yaml:"operation"`
	Error     bool   `yaml:"error"`
	// Above and Below bound the whole trace's duration.
	Within `yaml:",inline"`
	// AtLeast is how many traces must match; default 1.
	AtLeast int `yaml:"at_least"`
	// Services must all take part in a trace; Without must not.
	Services Strings `yaml:"services"`
	Without  Strings `yaml:"without"`
	// Spans must all be found in a trace.
	Spans []Span `yaml:"spans"`
}

// Span is a span that a trace must have, as often as Count says.
type Span struct {
	At      strictyaml.Position
	Service string `yaml:"service"`
	// Name is the operation: of an RPC the method, "Charge"; or the whole name.
	Name string `yaml:"name"`
	// Kind is server, client, internal, producer or consumer.
	Kind string `yaml:"kind"`
	// Error wants spans that failed, or that did not.
	Error *bool `yaml:"error"`
	// Above and Below bound the span's duration.
	Within     `yaml:",inline"`
	Attributes []Attribute `yaml:"attributes"`
	// Parent is the nearest span above of another service.
	Parent *Parent `yaml:"parent"`
	// Count per trace; default at least 1.
	Count *Bound `yaml:"count"`
}

// Parent is who called.
type Parent struct {
	At      strictyaml.Position
	Service string `yaml:"service"`
	Name    string `yaml:"name"`
}

// Attribute is an attribute of a span and what it must be.
type Attribute struct {
	At    strictyaml.Position
	Key   string `yaml:"key"`
	Match `yaml:",inline"`
}

// Edge bounds how calls from one service to another go.
type Edge struct {
	At     strictyaml.Position
	Caller string `yaml:"caller"`
	Callee string `yaml:"callee"`
	// Window is what rates and quantiles are computed over; default 30 s.
	Window time.Duration `yaml:"window"`
	// Requests is how many calls the figures must rest on; default 1. With fewer, the check is inconclusive.
	Requests int `yaml:"requests"`
	// Rate is in calls a second, Errors a ratio from 0 to 1.
	Rate   *Bound  `yaml:"rate"`
	Errors *Bound  `yaml:"errors"`
	P50    *Within `yaml:"p50"`
	P95    *Within `yaml:"p95"`
	P99    *Within `yaml:"p99"`
	// Failure is a status with which some calls fail: UNAVAILABLE.
	Failure string `yaml:"failure"`
	// Absent wants no calls at all.
	Absent bool `yaml:"absent"`
}

// Alert wants an alerting rule in a state.
type Alert struct {
	At   strictyaml.Position
	Name string `yaml:"name"`
	// State is firing, pending or inactive as it is now; fired or resolved when that happened since the
	// step began.
	State  string            `yaml:"state"`
	Labels map[string]string `yaml:"labels"`
	// AtLeast is how often it must have fired or been resolved; default 1.
	AtLeast int `yaml:"at_least"`
}

// AlertStates are what an alert check can want.
func AlertStates() []string { return []string{"firing", "pending", "inactive", "fired", "resolved"} }

// SpanKinds are the kinds of spans.
func SpanKinds() []string { return []string{"server", "client", "internal", "producer", "consumer"} }
