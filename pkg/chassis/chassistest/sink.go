package chassistest

import (
	"context"
	"encoding/hex"
	"net"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// Sink is an OTLP receiver that keeps all spans.
type Sink struct {
	collectorpb.UnimplementedTraceServiceServer
	Addr string

	mu    sync.Mutex
	spans []Span
	grew  chan struct{}
}

// Span is one received span with the service.name and service.version of its resource.
type Span struct {
	*tracepb.Span
	Service string
	Version string
}

// Trace is the trace id in hex.
func (s Span) Trace() string { return hex.EncodeToString(s.TraceId) }

// Parent is the parent's span id in hex; empty for a root.
func (s Span) Parent() string { return hex.EncodeToString(s.ParentSpanId) }

// ID is the span id in hex.
func (s Span) ID() string { return hex.EncodeToString(s.SpanId) }

// Attr is the value of an attribute as text; empty if it is not set.
func (s Span) Attr(key string) string {
	for _, kv := range s.Attributes {
		if kv.Key == key {
			if v := kv.Value.GetStringValue(); v != "" {
				return v
			}
			return kv.Value.String()
		}
	}
	return ""
}

// NewSink receives spans until the test ends.
func NewSink(t testing.TB) *Sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Sink{Addr: l.Addr().String(), grew: make(chan struct{})}
	server := grpc.NewServer()
	collectorpb.RegisterTraceServiceServer(server, s)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Stop(); <-done })
	return s
}

// Export receives spans.
func (s *Sink) Export(_ context.Context, req *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rs := range req.ResourceSpans {
		var service, version string
		for _, kv := range rs.Resource.GetAttributes() {
			switch kv.Key {
			case "service.name":
				service = kv.Value.GetStringValue()
			case "service.version":
				version = kv.Value.GetStringValue()
			}
		}
		for _, ss := range rs.ScopeSpans {
			for _, span := range ss.Spans {
				s.spans = append(s.spans, Span{span, service, version})
			}
		}
	}
	close(s.grew)
	s.grew = make(chan struct{})
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

// Wait returns all spans as soon as enough returns true for them, and fails the test if that does not happen.
func (s *Sink) Wait(t testing.TB, enough func([]Span) bool) []Span {
	t.Helper()
	timeout := time.After(startTimeout)
	for {
		s.mu.Lock()
		spans, grew := append([]Span(nil), s.spans...), s.grew
		s.mu.Unlock()
		if enough(spans) {
			return spans
		}
		select {
		case <-grew:
		case <-timeout:
			for _, span := range spans {
				t.Logf("span %s %s trace %s parent %s", span.Service, span.Name, span.Trace(), span.Parent())
			}
			t.Fatalf("the spans waited for did not come; %d did", len(spans))
		}
	}
}
