package observe

import (
	"context"
	"fmt"
	"sync"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// maxSpanBytes bounds the encoded spans that are kept.
const maxSpanBytes = 16 << 20

// TraceID is a trace's id as it travels.
type TraceID [16]byte

// Span is one span with the name of the service that it comes from.
type Span struct {
	Service string
	*tracepb.Span
}

// Spans keeps the newest spans, encoded, up to a bound in bytes. It is safe for concurrent use.
type Spans struct {
	mu      sync.Mutex
	byTrace map[TraceID][]storedSpan
	// order names a trace once for each span of it, oldest first.
	order []TraceID
	bytes int
}

type storedSpan struct {
	service string
	encoded []byte
}

// NewSpans returns an empty store.
func NewSpans() *Spans { return &Spans{byTrace: map[TraceID][]storedSpan{}} }

// Register makes srv receive spans over OTLP (opentelemetry.proto.collector.trace.v1).
func (s *Spans) Register(srv grpc.ServiceRegistrar) {
	collectorpb.RegisterTraceServiceServer(srv, receiver{spans: s})
}

type receiver struct {
	collectorpb.UnimplementedTraceServiceServer
	spans *Spans
}

func (r receiver) Export(_ context.Context, req *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	for _, rs := range req.GetResourceSpans() {
		service := ""
		for _, kv := range rs.GetResource().GetAttributes() {
			if kv.GetKey() == "service.name" {
				service = kv.GetValue().GetStringValue()
			}
		}
		for _, ss := range rs.GetScopeSpans() {
			for _, span := range ss.GetSpans() {
				if err := r.spans.add(service, span); err != nil {
					return nil, err
				}
			}
		}
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

func (s *Spans) add(service string, span *tracepb.Span) error {
	if len(span.GetTraceId()) != len(TraceID{}) {
		return nil // OTLP asks to drop what is invalid
	}
	encoded, err := proto.Marshal(span)
	if err != nil {
		return fmt.Errorf("keep span: %w", err)
	}
	id := TraceID(span.GetTraceId())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byTrace[id] = append(s.byTrace[id], storedSpan{service, encoded})
	s.order = append(s.order, id)
	s.bytes += len(encoded)
	drop := 0
	for s.bytes > maxSpanBytes {
		s.dropOldest(s.order[drop])
		drop++
	}
	s.order = s.order[drop:]
	return nil
}

func (s *Spans) dropOldest(id TraceID) {
	spans := s.byTrace[id]
	s.bytes -= len(spans[0].encoded)
	if len(spans) == 1 {
		delete(s.byTrace, id)
		return
	}
	s.byTrace[id] = spans[1:]
}

// Trace returns the spans of a trace that are kept, in the order in which they came.
func (s *Spans) Trace(id TraceID) ([]Span, error) {
	s.mu.Lock()
	stored := append([]storedSpan(nil), s.byTrace[id]...)
	s.mu.Unlock()
	spans := make([]Span, 0, len(stored))
	for _, st := range stored {
		span := &tracepb.Span{}
		if err := proto.Unmarshal(st.encoded, span); err != nil {
			return nil, fmt.Errorf("read span: %w", err)
		}
		spans = append(spans, Span{st.service, span})
	}
	return spans, nil
}
