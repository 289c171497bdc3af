package observe

import (
	"bytes"
	"fmt"
	"sync"

	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
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
	received func()

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

// NewSpans returns an empty store. received is called after spans came; it must not block.
func NewSpans(received func()) *Spans {
	return &Spans{received: received, byTrace: map[TraceID][]storedSpan{}}
}

// Export takes an encoded opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest. It walks
// the encoding and copies each span out of it whole: decoding spans, only to encode them again for
// keeping, would cost the daemon more than all else that an order makes it do. Spans without a valid
// trace id are dropped, as OTLP asks.
func (s *Spans) Export(request []byte) error {
	defer s.received()
	defer s.received()
	return fields(request, 1, func(resourceSpans []byte) error {
		service, err := serviceOf(resourceSpans)
		if err != nil {
			return err
		}
		return fields(resourceSpans, 2, func(scopeSpans []byte) error {
			return fields(scopeSpans, 2, func(span []byte) error {
				return fields(span, 1, func(id []byte) error {
					if len(id) == len(TraceID{}) {
						s.add(service, TraceID(id), bytes.Clone(span))
					}
					return nil
				})
			})
		})
	})
}

// serviceOf is the service.name of a ResourceSpans' resource.
func serviceOf(resourceSpans []byte) (service string, err error) {
	err = fields(resourceSpans, 1, func(encoded []byte) error {
		var resource resourcepb.Resource
		if err := proto.Unmarshal(encoded, &resource); err != nil {
			return err
		}
		for _, kv := range resource.GetAttributes() {
			if kv.GetKey() == "service.name" {
				service = kv.GetValue().GetStringValue()
			}
		}
		return nil
	})
	return service, err
}

// fields calls visit with each length-delimited field of that number, in an encoded message.
func fields(message []byte, number protowire.Number, visit func([]byte) error) error {
	for len(message) > 0 {
		num, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if num == number && typ == protowire.BytesType {
			value, n := protowire.ConsumeBytes(message)
			if n < 0 {
				return protowire.ParseError(n)
			}
			if err := visit(value); err != nil {
				return err
			}
			message = message[n:]
			continue
		}
		if n = protowire.ConsumeFieldValue(num, typ, message); n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
	}
	return nil
}

func (s *Spans) add(service string, id TraceID, encoded []byte) {
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
