package spans

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

// order is a trace of an order as the shop sends it: 30 spans of nine services.
func order(n int) []span {
	var list []span
	for i := range 30 {
		list = append(list, span{
			trace: n, id: i + 1, parent: i, service: fmt.Sprint("service", i%9), name: fmt.Sprint("hipstershop.Service/Method", i), kind: trace.Kind(2 + i%2),
			from: i, to: 100 - i, attributes: map[string]any{
				"rpc.method": fmt.Sprint("hipstershop.Service/Method", i), "rpc.system.name": "grpc", "server.address": "127.0.0.1", "server.port": 41234, "rpc.response.status_code": "OK",
			},
		})
	}
	slices.SortStableFunc(list, func(a, b span) int { return a.id%9 - b.id%9 })
	return list
}

// requests are encoded export requests of ten orders each, all of different traces.
func requests(b *testing.B, n int) [][]byte {
	b.Helper()
	all := make([][]byte, n)
	for i := range all {
		var list []span
		for j := range 10 {
			list = append(list, order(i*10+j)...)
		}
		slices.SortStableFunc(list, func(a, b span) int { return a.id%9 - b.id%9 })
		all[i] = request(b, list...)
	}
	return all
}

// BenchmarkIngestAtTheBound measures how many spans a second one core takes while each request pushes older
// traces out.
func BenchmarkIngestAtTheBound(b *testing.B) {
	reqs := requests(b, 400)
	var records int
	s := New(Config{MaxBytes: 16 << 20, Now: time.Now, OnRecords: func(r []trace.Record) { records += len(r) }})
	for _, req := range reqs {
		if _, _, err := s.Ingest(req); err != nil {
			b.Fatal(err)
		}
	}
	if s.Stats().Evicted == 0 {
		b.Fatal("the store is not at its bound")
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		if _, _, err := s.Ingest(reqs[i%len(reqs)]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*300/b.Elapsed().Seconds(), "spans/s")
	if st := s.Stats(); st.Bytes > st.MaxBytes {
		b.Errorf("%d bytes are kept", st.Bytes)
	}
}

// hundredThousand is a store of as many traces, three spans each.
func hundredThousand(b *testing.B) *Store {
	b.Helper()
	s := newStore(256 << 20)
	for i := 0; i < 100_000; i += 100 {
		var list []span
		for j := i; j < i+100; j++ {
			list = append(list, span{trace: j, id: 1, service: "frontend", name: "GET /", from: j, to: j + j%300, kind: trace.Server})
		}
		for j := i; j < i+100; j++ {
			list = append(list,
				span{trace: j, id: 2, parent: 1, service: "catalog", name: fmt.Sprint("Catalog/Method", j%50), from: j, to: j + 1, failed: j%1000 == 0},
				span{trace: j, id: 3, parent: 1, service: "catalog", name: "Catalog/List", from: j, to: j + 1})
		}
		if _, _, err := s.Ingest(request(b, list...)); err != nil {
			b.Fatal(err)
		}
	}
	if n := s.Stats().Traces; n != 100_000 {
		b.Fatalf("%d traces", n)
	}
	return s
}

func BenchmarkListOverAHundredThousandTraces(b *testing.B) {
	s := hundredThousand(b)
	for name, f := range map[string]Filter{
		"newest":              {},
		"errors":              {Error: true},
		"slow":                {Min: 299 * time.Millisecond},
		"rare operation":      {Services: []string{"catalog"}, Operation: "Method49", Error: true},
		"nothing matches":     {Services: []string{"catalog"}, Operation: "List", Min: time.Hour},
		"unknown service":     {Services: []string{"nobody"}},
		"since, of a service": {Services: []string{"frontend"}, Since: begin().Add(time.Hour)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.List(f, 20)
			}
		})
	}
}

func BenchmarkShowOfAHundredThousandTraces(b *testing.B) {
	s := hundredThousand(b)
	id := traceID(50_000)
	for b.Loop() {
		found := s.Find(id.String()[:10], 2)
		if len(found) == 0 {
			b.Fatal("not found")
		}
		if _, otlp, ok := s.Trace(id); !ok || len(otlp) == 0 {
			b.Fatal("no trace")
		}
	}
}
