package servicegraph

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

func TestTotalsCountFromTheBeginning(t *testing.T) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	for _, code := range []string{"OK", "OK", "UNAVAILABLE"} {
		client, server := s.call("checkout", "payment", code)
		g.Add([]trace.Record{client, server})
	}
	c.forward(2 * Kept) // whatever the windows forget
	all, _ := g.Totals()
	if len(all) != 1 || all[0].Caller != "checkout" || all[0].Callee != "payment" || all[0].Requests != 3 || all[0].Failed != 1 {
		t.Fatalf("%+v", all)
	}
	for side, h := range map[string]Histogram{"calls": all[0].Calls, "served": all[0].Served} {
		took := map[string]float64{"calls": 0.02, "served": 0.01}[side]
		if h.Count != 3 || math.Abs(h.Seconds-3*took) > 1e-9 || len(h.Buckets) != len(totalBounds) {
			t.Errorf("%s: %+v", side, h)
		}
		for le, n := range h.Buckets {
			if want := map[bool]uint64{true: 3}[le >= took]; n != want {
				t.Errorf("%s: %d took at most %v s, want %d", side, n, le, want)
			}
		}
	}
}

func TestAQuantileIsWithinAThirdOfAPercent(t *testing.T) {
	for _, unit := range []time.Duration{time.Microsecond, time.Millisecond, time.Second} {
		var h histogram
		h.reset()
		var list []counted
		var all []time.Duration
		for n := range 1000 {
			d := time.Duration(n+1) * unit
			list = count(list, d)
			all = append(all, d)
		}
		h.add(list)
		for i, q := range []float64{0.5, 0.95, 0.99} {
			want := time.Duration(q*1000) * unit
			if got := h.quantiles([3]float64{0.5, 0.95, 0.99})[i]; math.Abs(float64(got-want)) > 0.0034*float64(want) || got != Quantile(all, q) {
				t.Errorf("quantile %v is %s and %s, want about %s", q, got, Quantile(all, q), want)
			}
		}
	}
	if got := new(histogram).quantiles([3]float64{0.5, 0.95, 0.99})[0]; got != 0 || Quantile(nil, 0.5) != 0 {
		t.Errorf("of nothing: %s", got)
	}
	for _, d := range []time.Duration{-time.Second, 0, 1, math.MaxInt64} {
		if got := Quantile([]time.Duration{d}, 0.5); got < 0 || got > 3*time.Hour {
			t.Errorf("of %d: %s", d, got)
		}
	}
}

// BenchmarkAdd is what counting costs for each span, both sides of calls over the edges of a shop.
func BenchmarkAdd(b *testing.B) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	services := []string{"frontend", "cart", "catalog", "currency", "checkout", "payment", "shipping", "email"}
	batch := make([]trace.Record, 0, 512)
	for i := range cap(batch) / 2 {
		client, server := s.call(services[i%3], services[(i+1)%8], "OK")
		batch = append(batch, server, client)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += len(batch) {
		g.Add(batch)
		c.forward(20 * time.Millisecond)
		for i := range batch {
			batch[i].Trace[0]++
			if batch[i].Trace[0] == 0 {
				batch[i].Trace[1]++
			}
		}
	}
}

// BenchmarkLast looks at 30 s of a graph that is as large as it gets.
func BenchmarkLast(b *testing.B) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	for range 40 {
		for i := range maxEdges {
			client, server := s.call(fmt.Sprint("caller ", i), fmt.Sprint("callee ", i%maxNodes), "OK")
			g.Add([]trace.Record{server, client})
		}
		c.forward(time.Second)
	}
	b.ReportAllocs()
	for b.Loop() {
		last(g, 30*time.Second)
	}
}
