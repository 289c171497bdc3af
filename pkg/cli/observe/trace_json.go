package observe

import (
	"time"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/draw"
)

// The JSON of traces is stable: fields are only added, and always present.

type tracesView struct {
	Traces []traceSummaryView `json:"traces"`
	Store  traceStoreView     `json:"store"`
}

func (v tracesView) Names() []string {
	names := make([]string, len(v.Traces))
	for i, t := range v.Traces {
		names[i] = t.TraceID
	}
	return names
}

type traceSummaryView struct {
	TraceID     string   `json:"trace_id"`
	RootService string   `json:"root_service"`
	RootName    string   `json:"root_name"`
	Start       string   `json:"start"`
	DurationMs  *float64 `json:"duration_ms"` // null if unknown
	Spans       int32    `json:"spans"`
	// ProxySpans are those of sidecars; spans includes them only with --proxy.
	ProxySpans int32    `json:"proxy_spans"`
	Errors     int32    `json:"errors"`
	Services   []string `json:"services"`
	Status     string   `json:"status"`
	// Received is when the first span came, by the clock of the shop; "" for a trace of a file.
	Received string `json:"received"`
	// Arriving: spans are still coming.
	Arriving bool `json:"arriving"`
}

// traceStoreView is the state of the shop's trace store; all zero for a file.
type traceStoreView struct {
	Traces         int64  `json:"traces"`
	Spans          int64  `json:"spans"`
	Bytes          int64  `json:"bytes"`
	MaxBytes       int64  `json:"max_bytes"`
	Received       int64  `json:"received"`
	Refused        int64  `json:"refused"`
	Evicted        int64  `json:"evicted"`
	Forward        string `json:"forward"`
	Forwarded      int64  `json:"forwarded"`
	ForwardDropped int64  `json:"forward_dropped"`
}

func viewTraces(resp *controlpb.ListTracesResponse) tracesView {
	st := resp.GetStore()
	v := tracesView{Traces: []traceSummaryView{}, Store: traceStoreView{
		Traces: st.GetTraces(), Spans: st.GetSpans(), Bytes: st.GetBytes(), MaxBytes: st.GetMaxBytes(), Received: st.GetReceived(),
		Refused: st.GetRefused(), Evicted: st.GetEvicted(), Forward: st.GetForward(), Forwarded: st.GetForwarded(), ForwardDropped: st.GetForwardDropped(),
	}}
	for _, s := range resp.GetTraces() {
		v.Traces = append(v.Traces, viewTraceSummary(s))
	}
	return v
}

func viewTraceSummary(s *controlpb.TraceSummary) traceSummaryView {
	received := ""
	if s.GetReceived() != nil {
		received = nanoseconds(s.GetReceived().AsTime())
	}
	return traceSummaryView{
		TraceID: s.GetTraceId(), RootService: serviceOfSpan(s.GetRootService()), RootName: s.GetRootName(),
		Start: nanoseconds(s.GetStart().AsTime()), DurationMs: knownMillis(s.GetDuration() != nil, s.GetDuration().AsDuration()),
		ProxySpans: s.GetProxySpans(), Spans: s.GetSpans(), Errors: s.GetErrors(), Services: servicesOfSpans(s.GetServices()), Status: spanStatus(s.GetFailed()), Arriving: s.GetArriving(), Received: received,
	}
}

// aboutTrace describes a trace by its root, or by the root's first call if the root belongs to a client.
func aboutTrace(s *controlpb.TraceSummary) string {
	service, name := s.GetRootService(), s.GetRootName()
	if s.GetEntryName() != "" {
		service, name = s.GetEntryService(), s.GetEntryName()
	}
	return draw.Clean(serviceOfSpan(service)) + " " + draw.Clean(trace.Record{Name: name}.Operation())
}

func servicesOfSpans(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = serviceOfSpan(name)
	}
	return out
}

func spanStatus(failed bool) string {
	if failed {
		return "error"
	}
	return "ok"
}

type traceView struct {
	TraceID string `json:"trace_id"`
	// Start and DurationMs are null if no span has a time that can be right.
	Start      *string    `json:"start"`
	DurationMs *float64   `json:"duration_ms"`
	Services   []string   `json:"services"`
	Errors     int        `json:"errors"`
	Retries    int        `json:"retries"`
	Faults     int        `json:"faults"`
	Orphans    int        `json:"orphans"`
	Spans      []spanView `json:"spans"`
	// CriticalPath lists what the root waited for, in order.
	CriticalPath []stepView `json:"critical_path"`
	// Logs are log lines of the trace outside of its spans; with --logs.
	Logs []logView `json:"logs,omitempty"`
}

func (v traceView) Names() []string { return []string{v.TraceID} }

type spanView struct {
	SpanID        string            `json:"span_id"`
	ParentID      string            `json:"parent_id"`
	Service       string            `json:"service"`
	Workload      string            `json:"workload"`
	Name          string            `json:"name"`
	Kind          string            `json:"kind"`
	Start         *string           `json:"start"` // null, as the duration, if it cannot be right
	DurationMs    *float64          `json:"duration_ms"`
	Status        string            `json:"status"`
	StatusMessage string            `json:"status_message"`
	Code          string            `json:"code"`
	Peer          string            `json:"peer"`
	Depth         int               `json:"depth"`
	CriticalMs    float64           `json:"critical_ms"`
	Marks         []string          `json:"marks"`
	Attempt       int               `json:"attempt"`
	Attempts      int               `json:"attempts"`
	Fault         string            `json:"fault"`
	Attributes    map[string]string `json:"attributes"`
	Resource      map[string]string `json:"resource"`
	Events        []spanEventView   `json:"events"`
	Links         []spanLinkView    `json:"links"`
	Logs          []logView         `json:"logs,omitempty"`
}

type spanEventView struct {
	Time       string            `json:"time"`
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes"`
}

// spanLinkView is another span that the span belongs to.
type spanLinkView struct {
	TraceID    string            `json:"trace_id"`
	SpanID     string            `json:"span_id"`
	Attributes map[string]string `json:"attributes"`
}

type stepView struct {
	SpanID     string  `json:"span_id"`
	Service    string  `json:"service"`
	Name       string  `json:"name"`
	AtMs       float64 `json:"at_ms"`
	DurationMs float64 `json:"duration_ms"`
}

func viewTrace(t *trace.Trace) traceView {
	v := traceView{
		TraceID: t.ID.String(), Start: knownStart(t.Timed(), t.Start), DurationMs: knownMillis(t.Timed(), t.Duration()), Services: servicesOfSpans(t.Services),
		Errors: t.Errors, Retries: t.Count(trace.Retry), Faults: t.Count(trace.Faulty), Orphans: t.Count(trace.Orphan),
		Spans: []spanView{}, CriticalPath: []stepView{},
	}
	for _, s := range t.Spans {
		v.Spans = append(v.Spans, viewSpan(s))
	}
	for _, s := range t.CriticalPath() {
		v.CriticalPath = append(v.CriticalPath, stepView{
			s.Span.Span.String(), serviceOfSpan(s.Span.Service), s.Span.Name, cmdutil.Millis(s.From.Sub(t.Start)), cmdutil.Millis(s.To.Sub(s.From)),
		})
	}
	return v
}

func viewSpan(s *trace.Span) spanView {
	v := spanView{
		SpanID: s.Span.String(), Service: serviceOfSpan(s.Service), Workload: s.Service, Name: s.Name, Kind: s.Kind.String(),
		Start: knownStart(s.Timed(), s.Start), DurationMs: knownMillis(s.Timed(), s.Duration()), Status: spanStatus(s.Error), StatusMessage: s.Message,
		Code: s.Code, Peer: s.Peer, Depth: s.Depth, CriticalMs: cmdutil.Millis(s.OwnTime()), Marks: append([]string{}, s.Marks.Words()...),
		Attempt: s.Attempt, Attempts: s.Attempts, Fault: s.Fault,
		Attributes: attributesView(s.Attributes), Resource: attributesView(s.Resource), Events: []spanEventView{}, Links: []spanLinkView{},
	}
	if s.Parent != (trace.SpanID{}) {
		v.ParentID = s.Parent.String()
	}
	for _, e := range s.Events {
		v.Events = append(v.Events, spanEventView{e.Time.UTC().Format(time.RFC3339Nano), e.Name, attributesView(e.Attributes)})
	}
	for _, l := range s.Links {
		v.Links = append(v.Links, spanLinkView{l.Trace.String(), l.Span.String(), attributesView(l.Attributes)})
	}
	return v
}

func knownStart(known bool, at time.Time) *string {
	if !known {
		return nil
	}
	text := nanoseconds(at)
	return &text
}

func knownMillis(known bool, d time.Duration) *float64 {
	if !known {
		return nil
	}
	ms := cmdutil.Millis(d)
	return &ms
}

func attributesView(list []trace.Attribute) map[string]string {
	out := make(map[string]string, len(list))
	for _, a := range list {
		out[a.Key] = a.Value
	}
	return out
}
