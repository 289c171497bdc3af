package spans

import (
	"slices"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

// proxied is a call of payment through both sidecars, in a trace that came in through a gateway.
func proxied(failed bool) []span {
	proxy := map[string]any{"http.method": "POST", "component": "proxy"}
	return []span{
		{trace: 1, id: 1, service: "gateway", name: "frontend:80/*", kind: trace.Client, to: 100, attributes: proxy, failed: failed},
		{trace: 1, id: 2, parent: 1, service: "frontend", name: "frontend:80/*", kind: trace.Server, from: 1, to: 99, attributes: proxy, failed: failed},
		{trace: 1, id: 3, parent: 2, service: "frontend", name: "POST /cart/checkout", kind: trace.Server, from: 2, to: 98},
		{trace: 1, id: 4, parent: 3, service: "frontend", name: "p.P/Charge", kind: trace.Client, from: 3, to: 97, failed: failed},
		{trace: 1, id: 5, parent: 4, service: "frontend", name: "payment:50051/*", kind: trace.Client, from: 4, to: 96, attributes: proxy, failed: failed},
	}
}

func TestTheSummaryOfATraceIsThatOfItsPrograms(t *testing.T) {
	now := begin()
	s := New(Config{Now: func() time.Time { return now }})
	if _, _, err := s.Ingest(request(t, proxied(true)...)); err != nil {
		t.Fatal(err)
	}
	got := s.List(Filter{}, 1)[0]
	if got.Spans != 2 || got.ProxySpans != 3 || got.Errors != 1 || !slices.Equal(got.Services, []string{"frontend"}) || got.RootName != "POST /cart/checkout" || got.EntryName != "" {
		t.Errorf("%+v", got)
	}
	now = now.Add(time.Minute)
	if got := s.List(Filter{}, 1)[0]; got.Arriving {
		t.Error("a trace that came in through a gateway is never complete")
	}
}

func TestAnErrorOfASidecarAloneSelectsNoTrace(t *testing.T) {
	s := New(Config{Now: begin})
	list := proxied(true)
	list[3].failed = false
	if _, _, err := s.Ingest(request(t, list...)); err != nil {
		t.Fatal(err)
	}
	if got := s.List(Filter{Error: true}, 1); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestATraceOfSidecarsAloneIsSummarizedByThem(t *testing.T) {
	s := New(Config{Now: begin})
	if _, _, err := s.Ingest(request(t, proxied(true)[:2]...)); err != nil {
		t.Fatal(err)
	}
	got := s.List(Filter{Error: true}, 1)
	if len(got) != 1 || got[0].Spans != 2 || got[0].Errors != 2 || !slices.Equal(got[0].Services, []string{"gateway", "frontend"}) || got[0].RootService != "gateway" {
		t.Errorf("%+v", got)
	}
}

func TestRecordsSayWhichSpansAreOfSidecars(t *testing.T) {
	var flags []bool
	s := New(Config{Now: begin, OnRecords: func(records []trace.Record) {
		for _, r := range records {
			flags = append(flags, r.Proxy)
		}
	}})
	if _, _, err := s.Ingest(request(t, proxied(false)...)); err != nil {
		t.Fatal(err)
	}
	if want := []bool{true, true, false, false, true}; !slices.Equal(flags, want) {
		t.Errorf("%v, want %v", flags, want)
	}
}
