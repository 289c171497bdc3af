package otlp

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/observe/spans"
	"github.com/shopctl/shopctl/pkg/trace"
)

// TestTheSDKsOwnExportersAreUnderstood sends what a program with OpenTelemetry's SDK sends, set up as its
// documentation says.
func TestTheSDKsOwnExportersAreUnderstood(t *testing.T) {
	r, store := receive(t, nil)
	for name, open := range map[string]func() (sdktrace.SpanExporter, error){
		"over HTTP": func() (sdktrace.SpanExporter, error) {
			return otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL("http://"+r.HTTP()), otlptracehttp.WithURLPath(Path))
		},
		"over HTTP, compressed": func() (sdktrace.SpanExporter, error) {
			return otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL("http://"+r.HTTP()+Path), otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
		},
		"over HTTP to the port of gRPC": func() (sdktrace.SpanExporter, error) {
			return otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL("http://"+r.GRPC()+Path))
		},
		"over gRPC to the port of HTTP": func() (sdktrace.SpanExporter, error) {
			return otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpointURL("http://"+r.HTTP()))
		},
		"over gRPC, compressed": func() (sdktrace.SpanExporter, error) {
			return otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpointURL("http://"+r.GRPC()), otlptracegrpc.WithCompressor("gzip"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			exporter, err := open()
			if err != nil {
				t.Fatal(err)
			}
			provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", name))))
			ctx, root := provider.Tracer("test").Start(t.Context(), "outer")
			_, child := provider.Tracer("test").Start(ctx, "inner")
			child.SetStatus(otelcodes.Error, "no")
			child.AddEvent("gave up")
			child.End()
			root.End()
			if err := provider.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			found := store.List(spans.Filter{Services: []string{name}, Error: true}, 10)
			if len(found) != 1 || found[0].RootName != "outer" || found[0].Spans != 2 {
				t.Fatalf("found %v", found)
			}
			_, encoded, _ := store.Trace(found[0].ID)
			data := &tracepb.TracesData{}
			if err := proto.Unmarshal(encoded, data); err != nil {
				t.Fatal(err)
			}
			list, _ := trace.Spans(data)
			inner := trace.Assemble(list)[0].Spans[1]
			if inner.Name != "inner" || inner.Message != "no" || len(inner.Events) != 1 || inner.Span.String() != child.SpanContext().SpanID().String() {
				t.Errorf("the inner span is %+v", inner)
			}
		})
	}
}
