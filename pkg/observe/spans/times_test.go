package spans

import (
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/trace"
)

// take stores one span with times in nanoseconds.
func take(t *testing.T, s *Store, traceNumber, id int, start, end uint64) {
	t.Helper()
	tid, sid := traceID(traceNumber), spanID(id)
	req, err := proto.Marshal(&collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{
		Spans: []*tracepb.Span{{TraceId: tid[:], SpanId: sid[:], Name: "x", Kind: tracepb.Span_SPAN_KIND_SERVER, StartTimeUnixNano: start, EndTimeUnixNano: end}},
	}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if refused, reason, err := s.Ingest(req); refused != 0 || err != nil {
		t.Fatal(refused, reason, err)
	}
}

func TestASpanWhoseTimeCannotBeRightStretchesNoTrace(t *testing.T) {
	now := begin().Add(time.Second)
	ns := uint64(begin().UnixNano())
	for name, times := range map[string][2]uint64{
		"no start": {0, ns}, "no end": {ns, 0}, "neither": {0, 0}, "end before start": {ns, ns - 1}, "milliseconds": {ns / 1e6, ns/1e6 + 5},
		"microseconds": {ns / 1e3, ns/1e3 + 5}, "2^63": {1 << 63, 1<<63 + 1}, "an end of 2^63": {ns, 1 << 63}, "2^64-1": {ns, 1<<64 - 1},
		"a year ago": {ns - 365*24*3600e9, ns - 365*24*3600e9 + 5},
	} {
		for order := range 2 {
			var records []trace.Record
			s := New(Config{Now: func() time.Time { return now }, OnRecords: func(r []trace.Record) { records = append(records, r...) }})
			for i := range 2 {
				if i == order {
					take(t, s, 1, 1, times[0], times[1])
				} else {
					take(t, s, 1, 2, ns, ns+10e6)
				}
			}
			sum := s.List(Filter{}, 1)[0]
			if sum.Duration != 10*time.Millisecond || !sum.Start.Equal(begin()) || !sum.Timed {
				t.Errorf("%s, order %d: from %s, %s", name, order, sum.Start, sum.Duration)
			}
			if len(s.List(Filter{Min: time.Second}, 1)) != 0 || len(s.List(Filter{Since: begin()}, 1)) != 1 {
				t.Errorf("%s, order %d: it is slow, or not recent", name, order)
			}
			if bad := records[order]; name != "a year ago" && bad.HasTime() {
				t.Errorf("%s: the record lasts from %s to %s", name, bad.Start, bad.End)
			}
		}
	}
}

func TestTheNewestTraceIsTheOneThatCameLastWhateverItsClock(t *testing.T) {
	now := begin()
	s := New(Config{Now: func() time.Time { return now }})
	for i, skew := range []time.Duration{0, -3 * time.Hour, 20 * time.Minute, 0, -24 * 365 * time.Hour} {
		now = now.Add(time.Second)
		start := uint64(now.Add(skew - 100*time.Millisecond).UnixNano())
		take(t, s, i+1, 1, start, start+50e6)
		if got := s.List(Filter{}, 1)[0]; got.ID != traceID(i+1) {
			t.Errorf("after the trace with a skew of %s, the newest is %s", skew, got.ID)
		}
	}
	if got := s.List(Filter{Since: now.Add(-10 * time.Second)}, 10); len(got) != 5 {
		t.Errorf("%d traces came within ten seconds, want 5", len(got))
	}
	if got := s.List(Filter{}, 10)[1]; !got.Received.Equal(now.Add(-time.Second)) {
		t.Errorf("the one before came at %s", got.Received)
	}
	take(t, s, 6, 1, 0, 0)
	if got := s.List(Filter{}, 1)[0]; got.ID != traceID(6) || got.Timed || !got.Start.Equal(now) {
		t.Errorf("a trace without a time: %+v", got)
	}
}

func TestTheRootIsASpanWhoseTimeIsKnown(t *testing.T) {
	s := New(Config{Now: begin})
	ns := uint64(begin().UnixNano())
	ingest(t, s, span{trace: 1, id: 1, service: "a", name: "known", from: 0, to: 5})
	take(t, s, 1, 2, 0, ns)
	if got := s.List(Filter{}, 1)[0]; got.RootName != "known" || got.Services[0] != "a" {
		t.Errorf("root %q of %v", got.RootName, got.Services)
	}
}
