package spans

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// span is a span for a request; times are milliseconds after begin.
type span struct {
	trace, id, parent int
	service, name     string
	kind              trace.Kind
	from, to          int
	failed            bool
	attributes        map[string]any
}

func begin() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func traceID(n int) (id trace.ID) {
	return trace.ID{byte(n >> 16), byte(n >> 8), byte(n), 15: 1}
}

func spanID(n int) trace.SpanID { return trace.SpanID{byte(n >> 16), byte(n >> 8), byte(n), 7: 1} }

func attribute(key string, value any) *commonpb.KeyValue {
	kv := &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{}}
	switch v := value.(type) {
	case string:
		kv.Value.Value = &commonpb.AnyValue_StringValue{StringValue: v}
	case int:
		kv.Value.Value = &commonpb.AnyValue_IntValue{IntValue: int64(v)}
	}
	return kv
}

// request encodes spans, those of a service that follow each other under one resource.
func request(t testing.TB, list ...span) []byte {
	t.Helper()
	req := &collectorpb.ExportTraceServiceRequest{}
	service := "\x00"
	for _, s := range list {
		if s.service != service {
			service = s.service
			req.ResourceSpans = append(req.ResourceSpans, &tracepb.ResourceSpans{
				Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{attribute("service.name", service)}},
				ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "test"}}},
			})
		}
		tid, sid, pid := traceID(s.trace), spanID(s.id), spanID(s.parent)
		p := &tracepb.Span{
			TraceId: tid[:], SpanId: sid[:], Name: s.name, Kind: tracepb.Span_SpanKind(s.kind),
			StartTimeUnixNano: uint64(begin().Add(time.Duration(s.from) * time.Millisecond).UnixNano()),
			EndTimeUnixNano:   uint64(begin().Add(time.Duration(s.to) * time.Millisecond).UnixNano()),
		}
		if s.parent != 0 {
			p.ParentSpanId = pid[:]
		}
		if s.failed {
			p.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: "no"}
		}
		for k, v := range s.attributes {
			p.Attributes = append(p.Attributes, attribute(k, v))
		}
		scope := req.ResourceSpans[len(req.ResourceSpans)-1].ScopeSpans[0]
		scope.Spans = append(scope.Spans, p)
	}
	out, err := proto.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func newStore(maxBytes int) *Store { return New(Config{MaxBytes: maxBytes, Now: time.Now}) }

func ingest(t testing.TB, s *Store, list ...span) {
	t.Helper()
	if refused, reason, err := s.Ingest(request(t, list...)); refused != 0 || err != nil {
		t.Fatalf("%d refused, %q, %v", refused, reason, err)
	}
}

// three are traces of some kinds.
func three(t testing.TB) *Store {
	s := New(Config{Now: func() time.Time { return begin().Add(3 * time.Second) }})
	ingest(t, s,
		span{trace: 1, id: 2, parent: 1, service: "cart", name: "shop.Cart/GetCart", from: 5, to: 50},
		span{trace: 1, id: 1, service: "frontend", name: "GET /cart", from: 0, to: 60})
	ingest(t, s,
		span{trace: 2, id: 1, service: "frontend", name: "POST /checkout", from: 1000, to: 1300, failed: true},
		span{trace: 2, id: 2, parent: 1, service: "payment", name: "shop.Payment/Charge", from: 1010, to: 1100, failed: true})
	ingest(t, s, span{trace: 3, id: 7, parent: 6, service: "cart", name: "shop.Cart/AddItem", from: 2000, to: 2001})
	return s
}

func numbers(list []Summary) (ids []int) {
	for _, s := range list {
		ids = append(ids, int(s.ID[2]))
	}
	return ids
}

func TestTracesAreFoundByWhatTheyAre(t *testing.T) {
	s := three(t)
	at := func(ms int) time.Time { return begin().Add(time.Duration(ms) * time.Millisecond) }
	for name, tt := range map[string]struct {
		f    Filter
		want []int
	}{
		"all, the newest first": {Filter{}, []int{3, 2, 1}},
		"of a service":          {Filter{Services: []string{"Cart", "cartservice"}}, []int{3, 1}},
		"of nobody":             {Filter{Services: []string{"nobody"}}, nil},
		"with an operation":     {Filter{Operation: "charge"}, []int{2}},
		"of a service's":        {Filter{Services: []string{"frontend"}, Operation: "cart"}, []int{1}},
		"not another service's": {Filter{Services: []string{"frontend"}, Operation: "GetCart"}, nil},
		"that failed":           {Filter{Error: true}, []int{2}},
		"slow":                  {Filter{Min: 100 * time.Millisecond}, []int{2}},
		"quick":                 {Filter{Max: 10 * time.Millisecond}, []int{3}},
		"since":                 {Filter{Since: at(1000)}, []int{3, 2}},
		"until":                 {Filter{Until: at(1000)}, []int{2, 1}},
		"all of it":             {Filter{Services: []string{"payment"}, Error: true, Min: time.Millisecond, Since: at(1)}, []int{2}},
	} {
		if got := numbers(s.List(tt.f, 10)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	if got := s.List(Filter{}, 2); len(got) != 2 {
		t.Errorf("%d traces, want two", len(got))
	}
}

func TestASummaryIsOfTheRootOrOfTheEarliestSpan(t *testing.T) {
	s := three(t)
	got := s.List(Filter{}, 3)
	want := []Summary{
		{ID: traceID(3), RootService: "cart", RootName: "shop.Cart/AddItem", Start: begin().Add(2 * time.Second), Duration: time.Millisecond, Timed: true, Spans: 1, Services: []string{"cart"}, Arriving: true},
		{ID: traceID(2), RootService: "frontend", RootName: "POST /checkout", Start: begin().Add(time.Second), Duration: 300 * time.Millisecond, Timed: true, Spans: 2, Errors: 2, Services: []string{"frontend", "payment"}, Failed: true, Arriving: true},
		{ID: traceID(1), RootService: "frontend", RootName: "GET /cart", Start: begin(), Duration: 60 * time.Millisecond, Timed: true, Spans: 2, Services: []string{"frontend", "cart"}, Arriving: true},
	}
	for i := range want {
		want[i].Received = begin().Add(3 * time.Second)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("summaries (-want +got):\n%s", d)
	}
}

func TestASummaryHasWhatACallerRequested(t *testing.T) {
	s := newStore(0)
	ingest(t, s,
		span{trace: 1, id: 2, parent: 1, service: "frontend", name: "GET /cart", kind: trace.Server, from: 1, to: 9},
		span{trace: 1, id: 3, parent: 2, service: "cart", name: "GetCart", kind: trace.Server, from: 2, to: 5},
		span{trace: 1, id: 1, service: "load", name: "HTTP GET", kind: trace.Client, from: 0, to: 10},
		span{trace: 2, id: 1, service: "frontend", name: "GET /", kind: trace.Server, from: 20, to: 30},
	)
	got := s.List(Filter{}, 2)
	if sum := got[1]; sum.RootService != "load" || sum.EntryService != "frontend" || sum.EntryName != "GET /cart" {
		t.Errorf("the trace of a caller: %+v", sum)
	}
	if sum := got[0]; sum.RootName != "GET /" || sum.EntryName != "" {
		t.Errorf("the trace of a server: %+v", sum)
	}
}

func TestATraceComesBackWhole(t *testing.T) {
	s := three(t)
	ingest(t, s, span{trace: 2, id: 3, parent: 2, service: "payment", name: "late", from: 1020, to: 1030})
	_, otlp, ok := s.Trace(traceID(2))
	if !ok {
		t.Fatal("no trace")
	}
	data := &tracepb.TracesData{}
	if err := proto.Unmarshal(otlp, data); err != nil {
		t.Fatal(err)
	}
	if len(data.GetResourceSpans()) != 2 {
		t.Errorf("%d resources, want two: %v", len(data.GetResourceSpans()), data)
	}
	list, _ := trace.Spans(data)
	tr := trace.Assemble(list)
	if len(tr) != 1 || len(tr[0].Spans) != 3 || tr[0].Errors != 2 || tr[0].Spans[1].Service != "payment" || tr[0].Spans[1].Message != "no" || tr[0].Spans[2].Name != "late" {
		t.Errorf("trace %v", data)
	}
	if _, _, ok := s.Trace(traceID(9)); ok {
		t.Error("a trace that never was")
	}
}

func TestIDsMayBeCutShort(t *testing.T) {
	s := newStore(0)
	for i := range 20 {
		ingest(t, s, span{trace: i, id: 1, service: "a", name: "x"})
	}
	for digits, want := range map[string]int{
		traceID(7).String(): 1, "00001": 4, "00000a": 1, "00000A": 1, "0": 20, "": 20, "f": 0, "zz": 0,
		traceID(7).String() + "00": 0, traceID(7).String()[:31]: 1, traceID(77).String(): 0,
	} {
		if got := s.Find(digits, 100); len(got) != want {
			t.Errorf("%q finds %d, want %d", digits, len(got), want)
		}
	}
}

func TestNewSpansAreReportedToOthers(t *testing.T) {
	var got []string
	s := New(Config{Now: time.Now, OnRecords: func(list []trace.Record) {
		for _, r := range list {
			got = append(got, fmt.Sprintf("%s %s %s peer=%s code=%s protocol=%s error=%v", r.Service, r.Name, r.Kind, r.Peer, r.Code, r.Protocol, r.Error))
		}
	}})
	ingest(t, s,
		span{trace: 1, id: 1, service: "a", name: "x", kind: trace.Client, failed: true, attributes: map[string]any{"server.address": "b", "rpc.system.name": "grpc", "rpc.response.status_code": "UNAVAILABLE"}},
		span{trace: 1, id: 2, service: "a", name: "y", kind: trace.Client, attributes: map[string]any{"net.peer.name": "c", "rpc.system": "grpc", "rpc.grpc.status_code": 14}},
		span{trace: 1, id: 3, service: "a", name: "z", kind: trace.Server, attributes: map[string]any{"http.request.method": "GET", "http.response.status_code": 503}},
		span{trace: 1, id: 4, service: "a", name: "w", kind: trace.Internal, attributes: map[string]any{"http.request.method": "GET"}})
	want := []string{
		"a x client peer=b code=UNAVAILABLE protocol=grpc error=true", "a y client peer=c code=UNAVAILABLE protocol=grpc error=false",
		"a z server peer= code=503 protocol=http error=false", "a w internal peer= code= protocol= error=false",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
}

func TestAConsumerIsReportedWithTheFirstSpanThatItIsLinkedWith(t *testing.T) {
	var got []trace.Record
	s := New(Config{Now: time.Now, OnRecords: func(list []trace.Record) { got = append(got, list...) }})
	link := func(id byte) *tracepb.Span_Link {
		return &tracepb.Span_Link{TraceId: append(make([]byte, 15), id), SpanId: append(make([]byte, 7), id)}
	}
	request := &tracepb.ResourceSpans{ScopeSpans: []*tracepb.ScopeSpans{{}}}
	for i, kind := range []tracepb.Span_SpanKind{tracepb.Span_SPAN_KIND_CONSUMER, tracepb.Span_SPAN_KIND_INTERNAL} {
		request.ScopeSpans[0].Spans = append(request.ScopeSpans[0].Spans, &tracepb.Span{
			TraceId: append(make([]byte, 15), 1), SpanId: append(make([]byte, 7), byte(i+1)), Kind: kind, Links: []*tracepb.Span_Link{link(8), link(9)},
			Attributes: []*commonpb.KeyValue{{Key: "messaging.system", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "nats"}}}},
		})
	}
	encoded, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{request}})
	if err != nil {
		t.Fatal(err)
	}
	if refused, reason, err := s.Ingest(encoded); refused != 0 || err != nil {
		t.Fatal(refused, reason, err)
	}
	if r := got[0]; r.SentIn != (trace.ID{15: 8}) || r.Sent != (trace.SpanID{7: 8}) || r.Protocol != "nats" {
		t.Errorf("consumer: %+v", r)
	}
	if r := got[1]; r.Sent != (trace.SpanID{}) {
		t.Errorf("another span: %+v", r)
	}
}

func TestTracesAreFollowedOnceTheyAreWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(0)
		ingest(t, s, span{trace: 1, id: 1, service: "a", name: "before"})
		ctx, cancel := context.WithCancel(t.Context())
		type sent struct {
			name  string
			spans int
			after time.Duration
		}
		var got []sent
		start := time.Now()
		done := make(chan error, 1)
		go func() {
			done <- s.Follow(ctx, Filter{Services: []string{"a"}}, s.Begun(), func(sum Summary) error {
				got = append(got, sent{sum.RootName, sum.Spans, time.Since(start).Round(100 * time.Millisecond)})
				return nil
			})
		}()
		synctest.Wait()
		ingest(t, s, span{trace: 2, id: 2, parent: 1, service: "a", name: "child", from: 1, to: 2})
		ingest(t, s, span{trace: 3, id: 1, service: "b", name: "other"})
		time.Sleep(300 * time.Millisecond)
		ingest(t, s, span{trace: 2, id: 1, service: "a", name: "root", to: 3})
		time.Sleep(time.Second)
		for range 30 { // a trace that goes on and on
			ingest(t, s, span{trace: 4, id: 1, service: "a", name: "endless"})
			time.Sleep(350 * time.Millisecond)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := []sent{{"root", 2, 700 * time.Millisecond}, {"endless", 29, 11300 * time.Millisecond}}
		if !slices.Equal(got, want) {
			t.Errorf("followed %v, want %v", got, want)
		}
	})
}

func TestTheNewestAreKeptWithinTheBound(t *testing.T) {
	const bound = 1 << 20
	s := newStore(bound)
	for i := range 5000 {
		ingest(t, s, span{trace: i, id: 1, service: fmt.Sprint("service", i), name: strings.Repeat("x", 300) + fmt.Sprint(i), to: 1})
		if st := s.Stats(); st.Bytes > bound {
			t.Fatalf("%d bytes after %d traces", st.Bytes, i)
		}
	}
	st := s.Stats()
	if st.Received != 5000 || int(st.Evicted)+st.Spans != 5000 || st.Traces != st.Spans || st.Traces < 500 {
		t.Errorf("stats %+v", st)
	}
	if newest := s.List(Filter{}, 1); newest[0].ID != traceID(4999) {
		t.Errorf("the newest is %s", newest[0].ID)
	}
	if len(s.Find(traceID(0).String(), 1)) != 0 {
		t.Error("the oldest is still there")
	}
	if len(s.names.services) != st.Traces || len(s.names.numbers) != st.Traces || len(s.names.origins) != st.Traces {
		t.Errorf("%d services, %d operations and %d origins for %d traces", len(s.names.services), len(s.names.numbers), len(s.names.origins), st.Traces)
	}
}
