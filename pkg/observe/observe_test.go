package observe

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEventsAreNumberedBoundedAndFollowed(t *testing.T) {
	e := NewEvents(time.Now)
	_, more := e.After(0)
	for i := range maxEvents + 10 {
		e.Add(&controlpb.Event{Service: "cart", Message: fmt.Sprint(i)})
	}
	<-more
	all, _ := e.After(0)
	if len(all) > maxEvents || len(all) < maxEvents/2 || all[len(all)-1].GetSequence() != maxEvents+10 {
		t.Errorf("%d events, the last is %v", len(all), all[len(all)-1])
	}
	if last, _ := e.After(maxEvents + 9); len(last) != 1 || last[0].GetTime() == nil {
		t.Errorf("after the one before the last: %v", last)
	}
	if !e.Knows("cart") || e.Knows("ad") {
		t.Error("Knows is wrong")
	}
}

func TestSpansAreReceivedAndTheOldestGoFirst(t *testing.T) {
	var told atomic.Int64
	spans := NewSpans(func() { told.Add(1) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := NewReceiver(spans)
	go srv.Serve(l)
	defer srv.Stop()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	export := func(id byte, name string) {
		t.Helper()
		trace := TraceID{id}
		_, err := collectorpb.NewTraceServiceClient(conn).Export(t.Context(), &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
			Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{
				Key: "service.name", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "cart"}},
			}}},
			ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{TraceId: trace[:], Name: name}}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	export(1, "GetCart")
	got, err := spans.Trace(TraceID{1})
	if err != nil || len(got) != 1 || got[0].Service != "cart" || got[0].GetName() != "GetCart" {
		t.Errorf("trace: %v %v", got, err)
	}
	for i := range 20 {
		export(byte(2+i), strings.Repeat("x", 1<<20))
	}
	if got, _ := spans.Trace(TraceID{1}); len(got) != 0 || spans.bytes > maxSpanBytes {
		t.Errorf("%d old spans, %d bytes", len(got), spans.bytes)
	}
	if got, _ := spans.Trace(TraceID{21}); len(got) != 1 || told.Load() < 21 {
		t.Error("the newest span is gone")
	}
}

func FuzzExport(f *testing.F) {
	valid, err := proto.Marshal(&collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{TraceId: make([]byte, 16), Name: "GetCart"}}}},
	}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(valid)
	f.Add(valid[:len(valid)-3])
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, request []byte) {
		spans := NewSpans(func() {})
		_ = spans.Export(request)
		if spans.bytes > len(request) {
			t.Errorf("%d bytes are kept of a request of %d", spans.bytes, len(request))
		}
	})
}
