package observe

import (
	"fmt"
	"slices"
	"sync"

	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// maxSpanBytes bounds the encoded requests that are kept.
const maxSpanBytes = 16 << 20

// TraceID is a trace's id as it travels.
type TraceID [16]byte

// Span is one span with the name of the service that it comes from.
type Span struct {
	Service string
	*tracepb.Span
}

// Spans keeps the newest export requests as they came, up to a bound in bytes, and decodes of them only
// what somebody asks for: a busy shop sends far more spans than anybody looks at. It is safe for
// concurrent use.
type Spans struct {
	received func()

	mu       sync.Mutex
	requests [][]byte // oldest first
	bytes    int
}

// NewSpans returns an empty store. received is called after spans came; it must not block.
func NewSpans(received func()) *Spans { return &Spans{received: received} }

// Export takes an encoded opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest, which the
// caller must not change afterwards. One that is malformed is refused whole.
func (s *Spans) Export(request []byte) error {
	if err := eachSpan(request, func(string, TraceID, []byte) error { return nil }); err != nil {
		return err
	}
	s.mu.Lock()
	s.requests = append(s.requests, request)
	s.bytes += len(request)
	drop := 0
	for s.bytes > maxSpanBytes {
		s.bytes -= len(s.requests[drop])
		s.requests[drop] = nil
		drop++
	}
	s.requests = s.requests[drop:]
	s.mu.Unlock()
	s.received()
	return nil
}

// Trace returns the spans of a trace that are kept, in the order in which they came.
func (s *Spans) Trace(id TraceID) ([]Span, error) {
	s.mu.Lock()
	requests := slices.Clone(s.requests)
	s.mu.Unlock()
	var spans []Span
	for _, request := range requests {
		err := eachSpan(request, func(service string, of TraceID, encoded []byte) error {
			if of != id {
				return nil
			}
			span := &tracepb.Span{}
			if err := proto.Unmarshal(encoded, span); err != nil {
				return fmt.Errorf("read span: %w", err)
			}
			spans = append(spans, Span{service, span})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return spans, nil
}

// eachSpan walks an encoded request. Spans without a valid trace id are passed over, as OTLP asks.
func eachSpan(request []byte, visit func(service string, id TraceID, encoded []byte) error) error {
	return fields(request, 1, func(resourceSpans []byte) error {
		service, err := serviceOf(resourceSpans)
		if err != nil {
			return err
		}
		return fields(resourceSpans, 2, func(scopeSpans []byte) error {
			return fields(scopeSpans, 2, func(span []byte) error {
				return fields(span, 1, func(id []byte) error {
					if len(id) != len(TraceID{}) {
						return nil
					}
					return visit(service, TraceID(id), span)
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
