package record

import (
	"context"
	"fmt"
	"sync"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

const (
	spanLimit    = 4 << 20   // bytes of spans that wait to be sent; more are dropped
	spanBatch    = 256 << 10 // bytes from which on spans are sent in another message
	spanKept     = 4         // buffers that are kept for the next spans
	spanInterval = 250 * time.Millisecond
	sendTimeout  = 5 * time.Second
	exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
)

// Spans sends the spans of requests to a collector. A span is encoded when it is recorded, into memory that serves again: every
// request of a sampled trace has one.
type Spans struct {
	conn     grpc.ClientConnInterface
	node     string
	resource []byte // the field of a ResourceSpans

	mu      sync.Mutex
	one     []byte   // the span that is being encoded
	last    []byte   // spans that wait, each as a field of a ScopeSpans
	full    [][]byte // the same, those before
	waiting int      // bytes of all of them
	spare   [][]byte // empty buffers
}

// NewSpans returns an exporter that Run has send to a collector. The service is the workload's name, and the node the sidecar's id.
func NewSpans(conn grpc.ClientConnInterface, service, node string) *Spans {
	attribute := appendAttribute(nil, resourceAttributes, "service.name", service)
	return &Spans{conn: conn, node: node, resource: appendField(nil, resourceSpansResource, attribute)}
}

// Record adds the span of a request in a trace that is sampled.
func (s *Spans) Record(e *Entry) {
	if !e.Span.Sampled {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.one = appendSpan(s.one[:0], e, s.node)
	size := protowire.SizeTag(scopeSpansSpans) + protowire.SizeBytes(len(s.one))
	if s.waiting+size > spanLimit {
		return
	}
	s.waiting += size
	if n := len(s.spare); s.last == nil && n > 0 {
		s.last, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	if s.last = appendField(s.last, scopeSpansSpans, s.one); len(s.last) >= spanBatch {
		s.full, s.last = append(s.full, s.last), nil
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
	all := s.full
	if len(s.last) > 0 {
		all = append(all, s.last)
	}
	s.full, s.last, s.waiting = nil, nil, 0
	s.mu.Unlock()
	for _, spans := range all {
		limited, cancel := context.WithTimeout(ctx, sendTimeout)
		_ = s.conn.Invoke(limited, exportMethod, spans, new(collectorpb.ExportTraceServiceResponse), grpc.ForceCodecV2(codec{s})) // spans may be lost
		cancel()
	}
}

// message is a request to the collector: what precedes the spans in it, and the spans.
func (s *Spans) message(spans []byte) mem.BufferSlice {
	of := len(s.resource) + protowire.SizeTag(resourceSpansScopes) + protowire.SizeBytes(len(spans))
	head := make([]byte, 0, len(s.resource)+32)
	head = protowire.AppendTag(head, requestResourceSpans, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(of))
	head = append(head, s.resource...)
	head = protowire.AppendTag(head, resourceSpansScopes, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(spans)))
	return mem.BufferSlice{mem.SliceBuffer(head), mem.NewBuffer(&spans, (*buffers)(s))}
}

// buffers are those of Spans, which gRPC gives back when it has written what is in them.
type buffers Spans

// Get implements mem.BufferPool.
func (*buffers) Get(n int) *[]byte { return new(make([]byte, n)) }

// Put implements mem.BufferPool.
func (b *buffers) Put(p *[]byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.spare) < spanKept && cap(*p) <= 2*spanBatch {
		b.spare = append(b.spare, (*p)[:0])
	}
}

// codec encodes spans that are encoded already.
type codec struct{ spans *Spans }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	spans, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("encode a %T: only encoded spans are sent", v)
	}
	return c.spans.message(spans), nil
}

// Unmarshal implements encoding.CodecV2.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("decode into a %T: it is not a message", v)
	}
	return proto.Unmarshal(data.Materialize(), m)
}

// Name implements encoding.CodecV2.
func (codec) Name() string { return "proto" }
