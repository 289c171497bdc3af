package probe

import "time"

// EvidenceKind is the kind of thing that decided a verdict.
type EvidenceKind string

// Kinds of evidence, and which fields of Evidence they use.
const (
	TraceEvidence    EvidenceKind = "trace"    // Trace and Span; without a Trace, the list of those of Service
	LogEvidence      EvidenceKind = "log"      // Service; Time and Text where one line decided
	MetricEvidence   EvidenceKind = "metric"   // Expr over Window
	EdgeEvidence     EvidenceKind = "edge"     // Caller -> Callee
	AlertEvidence    EvidenceKind = "alert"    // Name; Time where a change of it decided
	ObjectEvidence   EvidenceKind = "object"   // Object, Name, Namespace; Field where one decided
	InstanceEvidence EvidenceKind = "instance" // Service
	CallEvidence     EvidenceKind = "call"     // Service, Method, Request, Deadline, Proto
	FileEvidence     EvidenceKind = "file"     // Name, within the workspace
	OutputEvidence   EvidenceKind = "output"   // Text: the output of a command
)

// Evidence is what a verdict is based on, for a screen to open. Results are compared, so it is a plain value; its zero
// value means that there is nothing to open.
type Evidence struct {
	Kind    EvidenceKind `json:"kind"`
	Service string       `json:"service,omitempty"`
	// Trace and Span are ids in hexadecimal digits.
	Trace string `json:"trace,omitempty"`
	Span  string `json:"span,omitempty"`
	// Time and Text are those of a log line; Text is at most a few pages.
	Time time.Time `json:"time,omitzero"`
	Text string    `json:"text,omitempty"`
	Expr string    `json:"expr,omitempty"`
	// Window is how far back Expr looks.
	Window time.Duration `json:"window_ns,omitempty"`
	Caller string        `json:"caller,omitempty"`
	Callee string        `json:"callee,omitempty"`
	// Object is the kind of an object, Field the path of what decided in it.
	Object    string `json:"object,omitempty"`
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Field     string `json:"field,omitempty"`
	Method    string `json:"method,omitempty"`
	// Request is JSON.
	Request  string        `json:"request,omitempty"`
	Deadline time.Duration `json:"deadline_ns,omitempty"`
	Proto    string        `json:"proto,omitempty"`
}
