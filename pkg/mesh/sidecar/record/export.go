package record

import (
	"context"
	"strconv"
	"sync"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

const (
	spanLimit    = 4096 // spans that wait to be sent; more are dropped
	spanBatch    = 512
	spanInterval = 250 * time.Millisecond
	sendTimeout  = 5 * time.Second
	exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
)

// Spans sends the spans of requests to a collector.
type Spans struct {
	conn     grpc.ClientConnInterface
	node     string
	resource *resourcepb.Resource

	mu      sync.Mutex
	waiting []*tracepb.Span
}

// NewSpans returns an exporter that Run has send to a collector. The service is the workload's name, and the node the sidecar's id.
func NewSpans(conn grpc.ClientConnInterface, service, node string) *Spans {
	return &Spans{conn: conn, node: node, resource: &resourcepb.Resource{Attributes: texts([][2]string{{"service.name", service}})}}
}

// Record adds the span of a request in a trace that is sampled.
func (s *Spans) Record(e *Entry) {
	if !e.Span.Sampled {
		return
	}
	span := s.span(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) < spanLimit {
		s.waiting = append(s.waiting, span)
	}
}

// Run sends spans until ctx ends, and then those that are left.
func (s *Spans) Run(ctx context.Context) {
	tick := time.NewTicker(spanInterval)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			done = true
		}
		s.send(context.WithoutCancel(ctx))
	}
}

func (s *Spans) send(ctx context.Context) {
	s.mu.Lock()
	all := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	for len(all) > 0 {
		n := min(len(all), spanBatch)
		request := &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
			Resource: s.resource, ScopeSpans: []*tracepb.ScopeSpans{{Spans: all[:n]}},
		}}}
		limited, cancel := context.WithTimeout(ctx, sendTimeout)
		_ = s.conn.Invoke(limited, exportMethod, request, new(collectorpb.ExportTraceServiceResponse)) // spans may be lost
		cancel()
		all = all[n:]
	}
}

func (s *Spans) span(e *Entry) *tracepb.Span {
	span := &tracepb.Span{
		TraceId: e.Span.Trace[:], SpanId: e.Span.Span[:], ParentSpanId: e.Span.Parent[:], Name: e.Operation, Kind: tracepb.Span_SPAN_KIND_CLIENT,
		StartTimeUnixNano: uint64(e.Start.UnixNano()), EndTimeUnixNano: uint64(e.Start.Add(e.Duration).UnixNano()),
	}
	if e.Inbound {
		span.Kind = tracepb.Span_SPAN_KIND_SERVER
	}
	if span.Name == "" {
		span.Name = e.Authority + "/*"
	}
	security := "none"
	if e.MutualTLS {
		security = "mutual_tls"
	}
	grpcStatus := ""
	if n, err := strconv.Atoi(e.GRPCStatus); err == nil {
		grpcStatus = codes.Code(n).String()
	}
	if e.Status >= 500 || e.Flags != 0 || grpcStatus != "" && grpcStatus != codes.OK.String() {
		span.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: e.Details}
	}
	status := ""
	if e.Status != 0 {
		status = strconv.Itoa(e.Status)
	}
	span.Attributes = texts([][2]string{
		{"component", "proxy"},
		{"response_flags", e.Flags.String()},
		{"node_id", s.node},
		{"response_code_details", e.Details},
		{"upstream_cluster", e.Cluster},
		{"upstream_address", e.UpstreamHost},
		{"route_name", e.Route},
		{"istio.config", e.Config},
		{"istio.rule", e.Rule},
		{"istio.match", e.Match},
		{"enforced_effective_policy_id", e.Policy},
		{"shadow_effective_policy_id", e.Shadow},
		{"http.request.method", e.Method},
		{"url.path", e.Path},
		{"authority", e.Authority},
		{"request_id", e.RequestID},
		{"connection_security_policy", security},
		{"peer.principal", e.Principal},
		{"grpc.status", grpcStatus},
		{"attempts", strconv.Itoa(e.Attempts)},
		{"http.response.status_code", status},
	})
	return span
}

// attribute is an attribute in one piece of memory.
type attribute struct {
	pair  commonpb.KeyValue
	value commonpb.AnyValue
	text  commonpb.AnyValue_StringValue
}

// texts are the attributes of those that are not empty. They share their memory: a span has some fifteen, and every request of
// a sampled trace has a span.
func texts(all [][2]string) []*commonpb.KeyValue {
	memory, pairs := make([]attribute, len(all)), make([]*commonpb.KeyValue, 0, len(all))
	for i, kv := range all {
		if kv[1] == "" {
			continue
		}
		a := &memory[i]
		a.pair.Key, a.pair.Value = kv[0], &a.value
		a.value.Value, a.text.StringValue = &a.text, kv[1]
		pairs = append(pairs, &a.pair)
	}
	return pairs
}
