package record_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
)

// collector keeps what it receives.
type collector struct {
	collectorpb.UnimplementedTraceServiceServer

	mu  sync.Mutex
	got []*collectorpb.ExportTraceServiceRequest
}

func (c *collector) Export(_ context.Context, r *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, r)
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

func (c *collector) spans() []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*tracepb.Span
	for _, r := range c.got {
		for _, of := range r.GetResourceSpans() {
			for _, scope := range of.GetScopeSpans() {
				all = append(all, scope.GetSpans()...)
			}
		}
	}
	return all
}

// collecting returns a collector and a connection to it.
func collecting(t testing.TB) (*collector, *grpc.ClientConn) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, server := &collector{}, grpc.NewServer()
	collectorpb.RegisterTraceServiceServer(server, c)
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(ln) })
	conn, err := grpc.NewClient(ln.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		served.Wait()
	})
	return c, conn
}

// flush sends what waits.
func flush(t testing.TB, s *record.Spans) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Run(ctx)
}

// object is the span of an entry, as the types of OpenTelemetry have it.
func object(e *record.Entry, node string) *tracepb.Span {
	text := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
	span := &tracepb.Span{
		TraceId: e.Span.Trace[:], SpanId: e.Span.Span[:], ParentSpanId: e.Span.Parent[:], Name: text(e.Operation), Kind: tracepb.Span_SPAN_KIND_CLIENT,
		StartTimeUnixNano: uint64(e.Start.UnixNano()), EndTimeUnixNano: uint64(e.Start.Add(e.Duration).UnixNano()),
	}
	if e.Inbound {
		span.Kind = tracepb.Span_SPAN_KIND_SERVER
	}
	if e.Operation == "" {
		span.Name = text(e.Authority) + "/*"
	}
	security, grpcStatus, status := "none", "", ""
	if e.MutualTLS {
		security = "mutual_tls"
	}
	if n, err := strconv.Atoi(e.GRPCStatus); err == nil {
		grpcStatus = codes.Code(n).String()
	}
	if e.Status >= 500 || e.Flags != 0 || grpcStatus != "" && grpcStatus != "OK" {
		span.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: text(e.Details)}
	}
	if e.Status != 0 {
		status = strconv.Itoa(e.Status)
	}
	for _, kv := range [][2]string{
		{"component", "proxy"},
		{"response_flags", e.Flags.String()},
		{"node_id", node},
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
	} {
		if kv[1] != "" {
			span.Attributes = append(span.Attributes, &commonpb.KeyValue{
				Key: kv[0], Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: text(kv[1])}},
			})
		}
	}
	return span
}

func TestASpanArrivesAsTheTypesOfOpenTelemetryHaveIt(t *testing.T) {
	full, ok := *entry(), *entry()
	full.Operation, full.Policy, full.Shadow, full.Match, full.Principal = "payment.shop:50051/*", "ns[shop]-policy[p]-rule[0]", "none", "x", "spiffe://a/b"
	full.Route, full.Inbound, full.Status = strings.Repeat("long ", 1000), true, 503
	ok.GRPCStatus, ok.Flags, ok.MutualTLS = "0", 0, false
	bad := *entry()
	bad.Path, bad.Authority, bad.Details = "/\xff\xfe", "a\xc0", ""
	entries := []*record.Entry{entry(), &full, &ok, &bad, {Span: full.Span, Start: full.Start, Flags: record.DC}, {Span: full.Span, GRPCStatus: "-1", Start: full.Start}, {Span: full.Span, GRPCStatus: "x", Start: full.Start}}
	c, conn := collecting(t)
	s := record.NewSpans(conn, "checkout", "sidecar~x")
	for _, e := range entries {
		s.Record(e)
	}
	s.Record(&record.Entry{Method: "GET"}) // without a trace
	flush(t, s)
	got := c.spans()
	if len(got) != len(entries) || len(c.got) != 1 {
		t.Fatalf("%d spans came in %d requests", len(got), len(c.got))
	}
	for i, e := range entries {
		if want := object(e, "sidecar~x"); !proto.Equal(got[i], want) {
			t.Errorf("a span is\n%v, not\n%v", got[i], want)
		}
	}
	if got, want := c.got[0].GetResourceSpans()[0].GetResource(), (&resourcepb.Resource{Attributes: []*commonpb.KeyValue{
		{Key: "service.name", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "checkout"}}},
	}}); !proto.Equal(got, want) {
		t.Errorf("the resource is %v", got)
	}
}

func TestManySpansAreSentInSeveralMessagesAndOnceEach(t *testing.T) {
	c, conn := collecting(t)
	s := record.NewSpans(conn, "checkout", "sidecar~x")
	var want []string
	for round := range 3 {
		for i := range 2000 {
			e := entry()
			e.RequestID = fmt.Sprint(round, ".", i)
			s.Record(e)
			want = append(want, e.RequestID)
		}
		flush(t, s)
	}
	var got []string
	for _, span := range c.spans() {
		for _, a := range span.GetAttributes() {
			if a.GetKey() == "request_id" {
				got = append(got, a.GetValue().GetStringValue())
			}
		}
	}
	if !slices.Equal(got, want) || len(c.got) < 9 {
		t.Errorf("%d spans came in %d messages, in another order or not all of %d", len(got), len(c.got), len(want))
	}
}

func TestSpansThatWaitAreLimited(t *testing.T) {
	c, conn := collecting(t)
	s := record.NewSpans(conn, "checkout", "sidecar~x")
	e := entry()
	e.Path = strings.Repeat("x", 100_000)
	for range 100 {
		s.Record(e)
	}
	flush(t, s)
	if n := len(c.spans()); n != 41 { // 4 MiB
		t.Errorf("%d spans of 100 KB waited", n)
	}
	s.Record(entry())
	flush(t, s)
	if n := len(c.spans()); n != 42 {
		t.Errorf("%d spans came, with one after the others had been sent", n)
	}
}

func TestWithoutACollectorSpansAreLost(t *testing.T) {
	conn, err := grpc.NewClient("127.0.0.1:1", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	s := record.NewSpans(conn, "checkout", "sidecar~x")
	for range 10 {
		s.Record(entry())
		flush(t, s)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkSpan(b *testing.B) {
	_, conn := collecting(b)
	s := record.NewSpans(conn, "checkout", "sidecar~x")
	ctx, cancel := context.WithCancel(b.Context())
	var sent sync.WaitGroup
	sent.Go(func() { s.Run(ctx) })
	e := entry()
	e.Operation, e.Policy, e.Principal = "payment.shop:50051/*", "ns[shop]-policy[p]-rule[0]", "spiffe://cluster.local/ns/shop/sa/checkout"
	e.Start, e.Flags, e.Duration = time.Now(), 0, time.Millisecond
	b.ReportAllocs()
	for b.Loop() {
		s.Record(e)
	}
	cancel()
	sent.Wait()
}
