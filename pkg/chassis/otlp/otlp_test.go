package otlp

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// theirs keeps what OpenTelemetry's own exporter would send.
type theirs struct{ sent []*tracepb.ResourceSpans }

func (*theirs) Start(context.Context) error { return nil }
func (*theirs) Stop(context.Context) error  { return nil }
func (c *theirs) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	c.sent = spans
	return nil
}

// every is one attribute of each type.
func every() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("string", "väl"), attribute.String("empty", ""), attribute.Bool("yes", true), attribute.Bool("no", false),
		attribute.Int64("int", -7), attribute.Int64("zero", 0), attribute.Float64("float", -1.5), attribute.Float64("none", 0),
		attribute.StringSlice("strings", []string{"a", ""}), attribute.BoolSlice("bools", []bool{true, false}),
		attribute.Int64Slice("ints", []int64{1, 0, -1}), attribute.Float64Slice("floats", []float64{0.5, 0}), attribute.StringSlice("nothing", nil),
		{Key: "bytes", Value: attribute.ByteSliceValue([]byte{0, 1})},
		{Key: "map", Value: attribute.MapValue(attribute.Int("one", 1), attribute.String("long", strings.Repeat("x", 300)))},
		{Key: "mixed", Value: attribute.SliceValue(attribute.IntValue(1), attribute.StringValue("two"))},
		{Key: "void"},
	}
}

func spans() []sdktrace.ReadOnlySpan {
	state, _ := trace.ParseTraceState("a=1,b=2")
	context := func(trace_, span byte, remote bool) trace.SpanContext {
		return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{trace_}, SpanID: trace.SpanID{span}, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: remote})
	}
	res := resource.NewWithAttributes("https://example.com/schema", attribute.String("service.name", "cart"), attribute.Int("n", 3))
	ours := instrumentation.Scope{Name: "cart", Version: "v1", SchemaURL: "https://example.com/scope", Attributes: attribute.NewSet(attribute.Bool("x", true))}
	start := time.Unix(1_800_000_000, 123)
	stubs := tracetest.SpanStubs{
		{Name: "first", SpanContext: context(1, 1, false), SpanKind: trace.SpanKindServer, StartTime: start, EndTime: start.Add(time.Millisecond), Resource: res, InstrumentationScope: ours},
		{
			Name: "second", SpanContext: context(1, 2, false), Parent: context(1, 1, true), SpanKind: trace.SpanKindClient, StartTime: start, EndTime: start.Add(time.Hour),
			Attributes: every(), Status: sdktrace.Status{Code: otelcodes.Error, Description: strings.Repeat("no ", 70)}, Resource: res,
			Events: []sdktrace.Event{{Name: "retry", Time: start, Attributes: every(), DroppedAttributeCount: 2}, {Name: ""}},
			Links:  []sdktrace.Link{{SpanContext: context(9, 9, true), Attributes: every(), DroppedAttributeCount: 1}, {SpanContext: context(8, 8, false)}},

			DroppedAttributes: 1, DroppedEvents: 200, DroppedLinks: 1 << 20, InstrumentationScope: instrumentation.Scope{Name: "other"},
		},
		{Name: strings.Repeat("third", 5000), SpanContext: context(2, 3, false), Parent: context(2, 2, false), Resource: res, InstrumentationScope: ours, Status: sdktrace.Status{Code: otelcodes.Ok}},
		{Resource: res, SpanKind: trace.SpanKindProducer},
		{Resource: res, SpanKind: trace.SpanKindConsumer, DroppedEvents: -1},
		{Resource: res, SpanKind: 77},
	}
	return stubs.Snapshots()
}

func TestWhatIsSentIsWhatOpenTelemetrysOwnExporterSends(t *testing.T) {
	client := &theirs{}
	reference := otlptrace.NewUnstarted(client)
	for _, batch := range [][]sdktrace.ReadOnlySpan{spans(), spans()[:1], spans()[1:2], spans()[3:4]} {
		if err := reference.ExportSpans(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		var got collectorpb.ExportTraceServiceRequest
		if err := proto.Unmarshal(appendRequest(nil, batch), &got); err != nil {
			t.Fatal(err)
		}
		want := &collectorpb.ExportTraceServiceRequest{ResourceSpans: client.sent}
		if diff := cmp.Diff(want, &got, protocmp.Transform()); diff != "" {
			t.Errorf("differs from OpenTelemetry's (-theirs +ours):\n%s", diff)
		}
	}
	if b := appendRequest(nil, nil); len(b) != 0 {
		t.Errorf("no spans make %d bytes", len(b))
	}
}

func TestLengthsOfAnySizeFit(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 128, 16380, 16383, 16384, 1 << 21} {
		b, outer := open([]byte("before"), 1)
		b, inner := open(b, 2)
		b = append(b, make([]byte, n)...)
		b = end(end(b, inner), outer)
		message := field(t, b[len("before"):], 1)
		if got := len(field(t, message, 2)); got != n {
			t.Errorf("%d bytes are read as %d", n, got)
		}
	}
}

// field reads a message that has one field.
func field(t *testing.T, message []byte, number protowire.Number) []byte {
	t.Helper()
	num, typ, n := protowire.ConsumeTag(message)
	value, m := protowire.ConsumeBytes(message[max(n, 0):])
	if num != number || typ != protowire.BytesType || n+m != len(message) {
		t.Fatalf("field %d of type %d, %d of %d bytes", num, typ, n+m, len(message))
	}
	return value
}

// collector answers each export with the next of its answers, and then with success.
type collector struct {
	collectorpb.UnimplementedTraceServiceServer
	mu      sync.Mutex
	answers []any
	got     []*collectorpb.ExportTraceServiceRequest
	headers metadata.MD
}

func (c *collector) Export(ctx context.Context, r *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers, _ = metadata.FromIncomingContext(ctx)
	if len(c.answers) > 0 {
		answer := c.answers[0]
		c.answers = c.answers[1:]
		if err, failed := answer.(error); failed {
			return nil, err
		}
		return &collectorpb.ExportTraceServiceResponse{PartialSuccess: answer.(*collectorpb.ExportTracePartialSuccess)}, nil
	}
	c.got = append(c.got, r)
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

func export(t *testing.T, c *collector) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	collectorpb.RegisterTraceServiceServer(server, c)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	defer func() { server.Stop(); <-done }()
	e, err := New(Config{Endpoint: "http://" + l.Addr().String(), Headers: map[string]string{"Authorization": "x"}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	err = e.ExportSpans(t.Context(), spans())
	if shutdownErr := e.Shutdown(t.Context()); shutdownErr != nil {
		t.Error(shutdownErr)
	}
	return err
}

func TestSpansArriveWithTheirHeaders(t *testing.T) {
	c := &collector{}
	if err := export(t, c); err != nil || len(c.got) != 1 || len(c.got[0].GetResourceSpans()[0].GetScopeSpans()) != 3 {
		t.Errorf("got %v, %v", c.got, err)
	}
	if got := c.headers.Get("authorization"); fmt.Sprint(got) != "[x]" {
		t.Errorf("headers %v", c.headers)
	}
}

func TestAReceiverThatIsAwayForAMomentGetsThemLater(t *testing.T) {
	c := &collector{answers: []any{status.Error(codes.Unavailable, "starting"), status.Error(codes.Unavailable, "starting")}}
	if err := export(t, c); err != nil || len(c.got) != 1 {
		t.Errorf("%d batches came, %v", len(c.got), err)
	}
}

func TestWhatTheReceiverRefusesIsTold(t *testing.T) {
	for want, answer := range map[string]any{
		"too many attributes": status.Error(codes.InvalidArgument, "too many attributes"),
		"2 of 6 were refused": &collectorpb.ExportTracePartialSuccess{RejectedSpans: 2, ErrorMessage: "too old"},
	} {
		if err := export(t, &collector{answers: []any{answer}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestAnEndpointIsAURL(t *testing.T) {
	for _, endpoint := range []string{"", "127.0.0.1:4317", "ftp://x:1", "http://", "http://[::1"} {
		if _, err := New(Config{Endpoint: endpoint}); err == nil || !strings.Contains(err.Error(), "want a URL such as") {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
	e, err := New(Config{Endpoint: "https://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// BenchmarkEncoding compares the two ways to the bytes of a batch.
func BenchmarkEncoding(b *testing.B) {
	var batch []sdktrace.ReadOnlySpan
	stub := tracetest.SpanStubFromReadOnlySpan(spans()[0])
	stub.Attributes = []attribute.KeyValue{attribute.String("rpc.method", "hipstershop.CartService/GetCart"), attribute.String("rpc.system.name", "grpc"), attribute.String("server.address", "cartservice"), attribute.Int("server.port", 7070), attribute.String("rpc.response.status_code", "OK")}
	for range 100 {
		batch = append(batch, stub.Snapshot())
	}
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = appendRequest(make([]byte, 0, 24_000), batch)
		}
	})
	b.Run("theirs", func(b *testing.B) {
		b.ReportAllocs()
		client := &theirs{}
		reference := otlptrace.NewUnstarted(client)
		for b.Loop() {
			_ = reference.ExportSpans(b.Context(), batch)
			_, _ = proto.Marshal(&collectorpb.ExportTraceServiceRequest{ResourceSpans: client.sent})
		}
	})
}
