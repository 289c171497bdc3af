package bench

import (
	be "encoding/binary"
	"fmt"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/observe/spans"
	"github.com/shopctl/shopctl/pkg/trace"
)

// exportRequest is what a service sends: n traces of some spans each, the first of them with that number.
func exportRequest(b *testing.B, first, n, spansEach int) []byte {
	b.Helper()
	text := func(key, value string) *commonpb.KeyValue {
		return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
	}
	var list []*tracepb.Span
	for t := first; t < first+n; t++ {
		for i := range spansEach {
			id, parent := be.BigEndian.AppendUint64(nil, uint64(i+1)), be.BigEndian.AppendUint64(nil, uint64(i))
			if i == 0 {
				parent = nil
			}
			list = append(list, &tracepb.Span{
				TraceId: be.BigEndian.AppendUint64(make([]byte, 8), uint64(t+1)), SpanId: id, ParentSpanId: parent,
				Name: fmt.Sprintf("hipstershop.Service/Method%d", i), Kind: tracepb.Span_SpanKind(2 + i%2),
				StartTimeUnixNano: uint64(time.Duration(t) * time.Millisecond), EndTimeUnixNano: uint64(time.Duration(t+t%300) * time.Millisecond),
				Attributes: []*commonpb.KeyValue{
					text("rpc.method", "hipstershop.Service/Method"), text("rpc.system.name", "grpc"), text("server.address", "127.0.0.1"), text("rpc.response.status_code", "OK"),
				},
			})
		}
	}
	out, err := proto.Marshal(&collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{text("service.name", "checkoutservice")}},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: list}},
	}}})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// BenchmarkIngest sends spans of new traces to a store that is full, from one goroutine. The store must stay within
// its bound; 50 µs of a span are 20,000 a second.
func BenchmarkIngest(b *testing.B) {
	const each, perRequest = 15, 30
	for b.Loop() {
		recorded := 0
		store := spans.New(spans.Config{Now: time.Now, OnRecords: func(r []trace.Record) { recorded += len(r) }})
		took, taken := time.Duration(0), 0
		for first := 0; taken < 500_000; first += perRequest {
			request := exportRequest(b, first, perRequest, each)
			start := time.Now()
			if _, _, err := store.Ingest(request); err != nil {
				b.Fatal(err)
			}
			if store.Stats().Evicted > 0 {
				took, taken = took+time.Since(start), taken+each*perRequest
			}
			if st := store.Stats(); st.Bytes > st.MaxBytes {
				b.Fatalf("%d bytes are kept, the bound is %d", st.Bytes, st.MaxBytes)
			}
		}
		b.ReportMetric(float64(taken)/took.Seconds(), "spans/s")
		check(b, "ingest", float64(took.Microseconds())/float64(taken))
	}
}

// BenchmarkTraces lists and shows traces out of 100,000; the slowest counts.
func BenchmarkTraces(b *testing.B) {
	for b.Loop() {
		store := spans.New(spans.Config{MaxBytes: 256 << 20, Now: time.Now})
		for first := 0; first < 100_000; first += 100 {
			if _, _, err := store.Ingest(exportRequest(b, first, 100, 3)); err != nil {
				b.Fatal(err)
			}
		}
		if n := store.Stats().Traces; n != 100_000 {
			b.Fatalf("%d traces are kept", n)
		}
		slowest := time.Duration(0)
		for _, f := range []spans.Filter{
			{},
			{Error: true},
			{Min: 299 * time.Millisecond},
			{Min: time.Hour},
			{Services: []string{"nobody"}},
			{Services: []string{"checkoutservice"}, Operation: "Method2", Min: time.Hour},
			{Services: []string{"checkoutservice"}, Until: time.Unix(0, 1)},
		} {
			start := time.Now()
			store.List(f, 20)
			slowest = max(slowest, time.Since(start))
		}
		start := time.Now()
		found := store.Find("00000000000000000000000000000100", 2)
		if len(found) != 1 {
			b.Fatalf("found %d", len(found))
		}
		if _, _, ok := store.Trace(found[0].ID); !ok {
			b.Fatal("no trace")
		}
		check(b, "traces", float64(max(slowest, time.Since(start)).Microseconds())/1000)
	}
}
