// Package otlp exports spans over OTLP/gRPC.
//
// OpenTelemetry's own exporter builds a tree of protobuf messages for each batch and then encodes it.
// This one writes the encoded bytes from the spans themselves, in a quarter of the time and a sixth of the
// memory (BenchmarkEncoding), which a service that makes two spans for each call notices. What it
// writes is held against the other's in a test.
package otlp

import (
	"context"
	"fmt"
	"net/url"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
)

// method takes a batch of spans.
const method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// retries sends a batch again while the receiver is away for a moment: of the codes that OTLP calls
// retryable, those that say that nothing was taken.
const retries = `{"methodConfig":[{"name":[{"service":"opentelemetry.proto.collector.trace.v1.TraceService"}],"retryPolicy":{
	"maxAttempts":4,"initialBackoff":"0.05s","maxBackoff":"0.5s","backoffMultiplier":2,"retryableStatusCodes":["UNAVAILABLE","ABORTED"]}}]}`

// Config says where spans go.
type Config struct {
	// Endpoint is a URL, "http://127.0.0.1:4317"; with https the connection is encrypted.
	Endpoint string
	// Headers go along with each batch: "authorization".
	Headers map[string]string
	// Timeout bounds the sending of a batch.
	Timeout time.Duration
	// Dial are further options of the connection.
	Dial []grpc.DialOption
}

// Exporter implements sdktrace.SpanExporter.
type Exporter struct {
	conn    *grpc.ClientConn
	headers metadata.MD
	timeout time.Duration
	// size of the last batch, which is a good guess of the next one's.
	size int
}

// New makes an exporter. It does not wait for the receiver.
func New(c Config) (*Exporter, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("export spans to %q: want a URL such as http://127.0.0.1:4317", c.Endpoint)
	}
	secure := insecure.NewCredentials()
	if u.Scheme == "https" {
		secure = credentials.NewTLS(nil)
	}
	options := append([]grpc.DialOption{grpc.WithTransportCredentials(secure), grpc.WithDefaultServiceConfig(retries)}, c.Dial...)
	conn, err := grpc.NewClient(u.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("export spans to %s: %w", c.Endpoint, err)
	}
	return &Exporter{conn: conn, headers: metadata.New(c.Headers), timeout: c.Timeout}, nil
}

// ExportSpans implements sdktrace.SpanExporter: it is called by one goroutine at a time. All spans are of
// one resource.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	if len(e.headers) > 0 {
		ctx = metadata.NewOutgoingContext(ctx, e.headers)
	}
	request := appendRequest(make([]byte, 0, e.size+e.size/8), spans)
	e.size = len(request)
	var response collectorpb.ExportTraceServiceResponse
	if err := e.conn.Invoke(ctx, method, encoded(request), &response, grpc.ForceCodecV2(codec{encoding.GetCodecV2(proto.Name)})); err != nil {
		return fmt.Errorf("export spans: %w", err)
	}
	if p := response.GetPartialSuccess(); p.GetRejectedSpans() > 0 || p.GetErrorMessage() != "" {
		return fmt.Errorf("export spans: %d of %d were refused: %s", p.GetRejectedSpans(), len(spans), p.GetErrorMessage())
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (e *Exporter) Shutdown(context.Context) error { return e.conn.Close() }

// encoded is a message that is encoded already.
type encoded []byte

// codec sends encoded messages as they are.
type codec struct{ encoding.CodecV2 }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if b, ok := v.(encoded); ok {
		return mem.BufferSlice{mem.SliceBuffer(b)}, nil
	}
	return c.CodecV2.Marshal(v)
}
