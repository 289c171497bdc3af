package spans

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/trace"
)

// heap is what lives on it.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// withinHeap checks that the store takes of the heap hardly more than it says.
func withinHeap(t *testing.T, before int, s *Store) {
	t.Helper()
	st := s.Stats()
	took := heap() - before
	runtime.KeepAlive(s)
	t.Logf("%d traces, %d spans: %d KB are counted, %d KB taken", st.Traces, st.Spans, st.Bytes>>10, took>>10)
	if st.Bytes > st.MaxBytes || took > st.MaxBytes*5/4+1<<20 {
		t.Errorf("%d bytes are counted and %d taken, the bound is %d", st.Bytes, took, st.MaxBytes)
	}
}

func TestAMillionNamesTakeNoMoreThanTheBound(t *testing.T) {
	before := heap()
	s := New(Config{MaxBytes: 4 << 20, Now: time.Now, OnRecords: func([]trace.Record) {}})
	const batch, mark = 500, "operation "
	var list []span
	for i := range batch {
		list = append(list, span{trace: 1, id: i + 1, service: "a", name: mark + "0000000"})
	}
	req, id := request(t, list...), traceID(1)
	for round := range 1_000_000 / batch {
		at := 0
		for i := range batch {
			at += bytes.Index(req[at:], id[3:]) // of the trace that is written over here
			next := traceID(round)
			copy(req[at-3:], next[:3])
			at += bytes.Index(req[at:], []byte(mark)) + len(mark)
			copy(req[at:], fmt.Sprintf("%07d", round*batch+i))
		}
		if refused, _, err := s.Ingest(req); refused != 0 || err != nil {
			t.Fatal(refused, err)
		}
	}
	if st := s.Stats(); st.Received != 1_000_000 || len(s.names.numbers) > st.Spans {
		t.Errorf("%d names for %+v", len(s.names.numbers), st)
	}
	withinHeap(t, before, s)
}

func TestNamesOfEveryKindAreBounded(t *testing.T) {
	for name, one := range map[string]func(i int) span{
		"services":           func(i int) span { return span{trace: i, id: 1, service: fmt.Sprint("service ", i), name: "x"} },
		"names in one trace": func(i int) span { return span{trace: 1, id: i + 1, service: "a", name: fmt.Sprint("operation ", i)} },
		"services in one trace": func(i int) span {
			return span{trace: 1, id: i + 1, service: fmt.Sprint("service ", i), name: "x"}
		},
		"peers": func(i int) span {
			return span{trace: i, id: 1, service: "a", name: "x", kind: trace.Client, attributes: map[string]any{"server.address": fmt.Sprint(i)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			s := New(Config{MaxBytes: 4 << 20, Now: time.Now, OnRecords: func([]trace.Record) {}})
			const batch = 500
			for i := 0; i < 20_000; i += batch {
				var list []span
				for j := range batch {
					list = append(list, one(i+j))
				}
				if _, _, err := s.Ingest(request(t, list...)); err != nil {
					t.Fatal(err)
				}
			}
			withinHeap(t, before, s)
		})
	}
}

func TestAHugeSpanAndAHugeTraceAreRefusedAndCounted(t *testing.T) {
	before := heap()
	s := newStore(4 << 20)
	refused, reason, err := s.Ingest(request(t, span{trace: 1, id: 1, service: "a", name: "x", attributes: map[string]any{"body": strings.Repeat("x", 10<<20)}}))
	if refused != 1 || err != nil || !strings.Contains(reason, "too large") {
		t.Errorf("a span of 10 MB: %d refused, %q, %v", refused, reason, err)
	}
	for i := range 40 {
		refused, _, err = s.Ingest(request(t, span{trace: 2, id: i + 1, service: "a", name: "x", attributes: map[string]any{"body": strings.Repeat("x", 100<<10)}}))
		if err != nil {
			t.Fatal(err)
		}
	}
	if st := s.Stats(); refused != 1 || st.Refused < 25 || st.Received != int64(st.Spans) || st.Spans+int(st.Refused) != 41 {
		t.Errorf("the last was refused %d times, stats %+v", refused, st)
	}
	ingest(t, s, span{trace: 3, id: 1, service: "a", name: "still taken"})
	withinHeap(t, before, s)
}

func TestAResourceIsKeptOnceHoweverManyScopesItHas(t *testing.T) {
	before := heap()
	s := newStore(8 << 20)
	req := &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{SchemaUrl: strings.Repeat("x", 1<<20)}}}
	for i := range 5000 {
		tid, sid := traceID(1+i%7), spanID(i+1)
		req.ResourceSpans[0].ScopeSpans = append(req.ResourceSpans[0].ScopeSpans, &tracepb.ScopeSpans{
			SchemaUrl: fmt.Sprint(i), Spans: []*tracepb.Span{{TraceId: tid[:], SpanId: sid[:]}},
		})
	}
	encoded, err := proto.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	if refused, _, err := s.Ingest(encoded); refused != 0 || err != nil {
		t.Errorf("%d refused, %v", refused, err)
	}
	if _, otlp, _ := s.Trace(traceID(1)); len(otlp) > 2<<20 {
		t.Errorf("the trace takes %d bytes", len(otlp))
	}
	encoded, req = nil, nil
	withinHeap(t, before, s)
}

func TestSpansThatMakeNoSenseAreRefusedAlone(t *testing.T) {
	s := newStore(0)
	tid, sid, none := traceID(1), spanID(1), make([]byte, 16)
	req := &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{
		{TraceId: tid[:], SpanId: sid[:], Name: "good", EndTimeUnixNano: 1 << 63, Kind: 77},
		{SpanId: sid[:]},
		{TraceId: tid[:]},
		{TraceId: none, SpanId: sid[:]},
		{TraceId: tid[:], SpanId: none[:8]},
		{TraceId: tid[:5], SpanId: sid[:]},
	}}}}}}
	encoded, err := proto.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	refused, reason, err := s.Ingest(encoded)
	if refused != 5 || !strings.Contains(reason, "16 bytes") || err != nil {
		t.Errorf("%d refused, %q, %v", refused, reason, err)
	}
	if st := s.Stats(); st.Refused != 5 || st.Spans != 1 {
		t.Errorf("stats %+v", st)
	}
	if sum := s.List(Filter{}, 1)[0]; sum.RootName != "good" || sum.Duration < 0 {
		t.Errorf("summary %+v", sum)
	}
}

func TestAMalformedRequestIsRefusedWhole(t *testing.T) {
	s := newStore(0)
	good := request(t, span{trace: 1, id: 1, service: "a", name: "x"})
	badResource := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte{0x0a, 0x03, 0x0a, 0xff, 0xff})
	for name, req := range map[string][]byte{
		"cut off":        good[:len(good)-3],
		"no protobuf":    []byte("hello"),
		"a bad resource": append(append([]byte{}, good...), badResource...),
	} {
		if _, _, err := s.Ingest(req); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if st := s.Stats(); st.Spans != 0 || st.Refused != 3 || st.Bytes != 0 {
		t.Errorf("stats %+v", st)
	}
	if len(s.names.resources)+len(s.names.origins)+len(s.names.services) != 0 {
		t.Error("names of a refused request are kept")
	}
}

func TestOneUnreadableSpanDoesNotSpoilItsTrace(t *testing.T) {
	s := newStore(0)
	req := request(t, span{trace: 1, id: 1, service: "a", name: "good"}, span{trace: 1, id: 2, parent: 1, service: "a", name: "b@d", from: 1, to: 2, failed: true})
	req = []byte(strings.Replace(string(req), "b@d", "b\xffd", 1))
	if refused, _, err := s.Ingest(req); refused != 0 || err != nil {
		t.Fatal(refused, err)
	}
	_, otlp, _ := s.Trace(traceID(1))
	data := &tracepb.TracesData{}
	if err := proto.Unmarshal(otlp, data); err != nil {
		t.Fatal(err)
	}
	list, _ := trace.Spans(data)
	if tr := trace.Assemble(list)[0]; len(tr.Spans) != 2 || tr.Spans[1].Name != "b?d" || !tr.Spans[1].Error || tr.Spans[1].Up == nil {
		t.Errorf("trace %v", data)
	}
}

func FuzzIngest(f *testing.F) {
	valid := request(f, span{trace: 1, id: 1, service: "a", name: "x", kind: trace.Client, failed: true, attributes: map[string]any{"server.address": "b", "http.status_code": 5}})
	f.Add(valid)
	f.Add(valid[:len(valid)-3])
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, request []byte) {
		s := New(Config{MaxBytes: 64 << 10, Now: time.Now, OnRecords: func([]trace.Record) {}})
		for range 2 {
			if _, _, err := s.Ingest(request); err != nil && s.Stats().Spans != 0 {
				t.Error("spans of a refused request are kept")
			}
		}
		for _, sum := range s.List(Filter{Operation: "x"}, 10) {
			_, otlp, ok := s.Trace(sum.ID)
			data := &tracepb.TracesData{}
			if err := proto.Unmarshal(otlp, data); !ok || err != nil {
				t.Errorf("trace %s cannot be read: %v", sum.ID, err)
			}
			list, refused := trace.Spans(data)
			if len(list) != sum.Spans || refused != 0 {
				t.Errorf("%d spans and %d bad ones of %d", len(list), refused, sum.Spans)
			}
		}
		if st := s.Stats(); st.Bytes > st.MaxBytes {
			t.Errorf("%d bytes are kept", st.Bytes)
		}
		for s.Stats().Traces > 0 {
			s.evict()
		}
		if s.total() != 0 {
			t.Errorf("%d bytes are left of nothing", s.total())
		}
	})
}
