package check

import (
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// EvidenceKind names what decided a look.
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
	OutputEvidence   EvidenceKind = "output"   // Text: what a command wrote
)

// Evidence is what decided a look, for a screen to open. Results are compared, so it is a plain value; the
// zero value says that there is nothing to open.
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

// evidenceOf is what a probe looks at, whatever came of it.
func evidenceOf(p format.Probe) Evidence {
	switch {
	case p.RPC != nil:
		return Evidence{
			Kind: CallEvidence, Service: p.RPC.Service, Method: p.RPC.Method, Request: string(p.RPC.Request),
			Deadline: p.RPC.Deadline, Proto: p.RPC.Proto,
		}
	case p.Instance != nil:
		return Evidence{Kind: InstanceEvidence, Service: p.Instance.Service}
	case p.Log != nil:
		return Evidence{Kind: LogEvidence, Service: p.Log.Service}
	case p.PromQL != nil:
		return Evidence{Kind: MetricEvidence, Expr: p.PromQL.Expr, Window: p.Window()}
	case p.Trace != nil:
		return Evidence{Kind: TraceEvidence, Service: p.Trace.Service}
	case p.Edge != nil:
		return Evidence{Kind: EdgeEvidence, Caller: p.Edge.Caller, Callee: p.Edge.Callee}
	case p.Alert != nil:
		return Evidence{Kind: AlertEvidence, Name: p.Alert.Name}
	case p.Resource != nil:
		return Evidence{Kind: ObjectEvidence, Object: p.Resource.Kind, Name: p.Resource.Name, Namespace: p.Resource.Namespace}
	case p.Order != nil:
		return Evidence{Kind: LogEvidence, Service: charging}
	case p.Manifest != nil:
		return Evidence{Kind: FileEvidence, Name: p.Manifest.File}
	}
	return Evidence{}
}
