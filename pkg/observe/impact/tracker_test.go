package impact

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/broadcast"
	"github.com/shopctl/shopctl/pkg/observe/spans"
)

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

// store holds traces of one span: failed calls to payment.
type store struct{ *spans.Store }

func newStore() store { return store{spans.New(spans.Config{Now: time.Now})} }

func (s store) call(t *testing.T, number uint32) {
	s.span(t, number, []byte{1, 0, 0, 0, 0, 0, 0, 0}, nil)
}

func (s store) span(t *testing.T, number uint32, span, parent []byte) {
	t.Helper()
	id := binary.BigEndian.AppendUint32(make([]byte, 12), number)
	now := uint64(time.Now().UnixNano())
	request, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{text("service.name", "payment")}},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{
			TraceId: id, SpanId: span, ParentSpanId: parent, Name: "hipstershop.PaymentService/Charge", Kind: tracepb.Span_SPAN_KIND_SERVER,
			StartTimeUnixNano: now - 1e6, EndTimeUnixNano: now, Status: &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR},
			Attributes: []*commonpb.KeyValue{text("shopctl.fault", "f1,f2"), text("rpc.response.status_code", "UNAVAILABLE")},
		}}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Ingest(request); err != nil {
		t.Fatal(err)
	}
}

func same(s string) string { return s }

func TestRequestsAreKeptAsLongAsTheFaultLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, changed := newStore(), broadcast.Signal{}
		var active atomic.Pointer[[]Fault]
		active.Store(&[]Fault{})
		tracker := New(Config{Traces: s, Now: time.Now, Namer: Namer{Name: same, Resolve: same}, Faults: func() []Fault { return *active.Load() }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); tracker.Run(ctx, changed.Wait) }()
		s.call(t, 1) // before the fault
		time.Sleep(time.Minute)
		active.Store(&[]Fault{{ID: "f1", Service: "payment", Fails: true, Began: time.Now()}})
		changed.Notify()
		synctest.Wait()
		s.call(t, 2)
		if got := tracker.Requests("f1"); len(got) != 0 {
			t.Errorf("%d requests, while the spans of the first still come", len(got))
		}
		time.Sleep(time.Second)
		s.call(t, 3)
		time.Sleep(time.Minute)
		got := tracker.Requests("f1")
		if len(got) != 2 || len(tracker.Requests("f2")) != 0 {
			t.Fatalf("%+v", got)
		}
		if o, ok := got[0].Of("f1"); !ok || !o.Failed || o.Calls != 1 || o.Hits != 1 || got[0].Kind != "calls to payment" {
			t.Errorf("%+v", got[0])
		}
		s.span(t, 3, []byte{2, 0, 0, 0, 0, 0, 0, 0}, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // one more of a trace that was read
		time.Sleep(time.Minute)
		if got := tracker.Requests("f1"); len(got) != 2 {
			t.Errorf("%d requests after a late span", len(got))
		}
		active.Store(&[]Fault{})
		changed.Notify()
		synctest.Wait()
		if got := tracker.Requests("f1"); len(got) != 0 {
			t.Errorf("%d requests after the fault", len(got))
		}
		cancel()
		<-done
	})
}

func TestOfManyTracesSomeAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		tracker := New(Config{Traces: s, Now: time.Now, Namer: Namer{Name: same, Resolve: same}, Faults: func() []Fault {
			return []Fault{{ID: "f1", Service: "payment", Fails: true}}
		}})
		for i := range uint32(3 * maxRead) {
			s.call(t, i+1)
		}
		time.Sleep(time.Second)
		if got := len(tracker.Requests("f1")); got != maxRead {
			t.Errorf("%d requests, want %d", got, maxRead)
		}
	})
}

func TestAFaultOfOneMethodCoversItsCallsOnly(t *testing.T) {
	for method, want := range map[string][3]bool{
		"": {true, true, true}, "Charge": {true, false, false}, "charge": {true, false, false}, "harge": {},
		"hipstershop.PaymentService/Charge": {true, false, false}, "/cart": {false, true, false}, "/cart/check": {false, true, false},
	} {
		f := Fault{Method: method}
		for i, name := range []string{"hipstershop.PaymentService/Charge", "POST /cart/checkout", "Refund"} {
			if f.covers(name) != want[i] {
				t.Errorf("%q covers %q: %v", method, name, !want[i])
			}
		}
	}
}
