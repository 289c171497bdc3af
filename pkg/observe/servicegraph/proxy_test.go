package servicegraph

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

// throughSidecars is one call of payment by checkout through both sidecars, after a request that came in through a gateway, with a
// retry by the caller's sidecar.
func throughSidecars(s *spans) []trace.Record {
	proxy := func(r trace.Record) trace.Record {
		r.Proxy = true
		return r
	}
	gateway := proxy(s.span(trace.Server, "gateway", "checkout:80/*", trace.SpanID{}, 9*time.Millisecond, ""))
	gatewayOut := proxy(s.span(trace.Client, "gateway", "checkout:80/*", gateway.Span, 9*time.Millisecond, ""))
	entryIn := proxy(s.span(trace.Server, "checkout", "checkout:80/*", gatewayOut.Span, 9*time.Millisecond, ""))
	entry := s.span(trace.Server, "checkout", "PlaceOrder", entryIn.Span, 8*time.Millisecond, "")
	client := s.span(trace.Client, "checkout", "Charge", entry.Span, 7*time.Millisecond, "")
	out := proxy(s.span(trace.Client, "checkout", "payment:50051/*", client.Span, 6*time.Millisecond, ""))
	in1 := proxy(s.span(trace.Server, "payment", "payment:50051/*", out.Span, 2*time.Millisecond, "UNAVAILABLE"))
	served1 := s.span(trace.Server, "payment", "Charge", in1.Span, time.Millisecond, "UNAVAILABLE")
	in2 := proxy(s.span(trace.Server, "payment", "payment:50051/*", out.Span, 2*time.Millisecond, ""))
	served2 := s.span(trace.Server, "payment", "Charge", in2.Span, time.Millisecond, "")
	return []trace.Record{gateway, gatewayOut, entryIn, entry, client, out, in1, served1, in2, served2}
}

func TestNothingCountsTwiceWithSidecarsInWhateverOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		c := newClock()
		g := New(Config{Now: c.now})
		all := throughSidecars(newSpans(c))
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, record := range all {
			g.Add([]trace.Record{record})
		}
		c.forward(pairFor + time.Second)
		g.Add(nil)
		snap := last(g, 30*time.Second)
		if len(snap.Edges) != 2 || len(snap.Nodes) != 2 {
			t.Fatalf("edges %+v, nodes %+v", snap.Edges, snap.Nodes)
		}
		if e := find(t, snap, User, "checkout"); e.Requests != 1 {
			t.Fatalf("%d requests of users", e.Requests)
		}
		if e := find(t, snap, "checkout", "payment"); e.Requests != 1 || e.Failed != 0 {
			t.Fatalf("%d calls, %d failed", e.Requests, e.Failed)
		}
		totals, _ := g.Totals()
		for _, sum := range totals {
			if sum.Callee == "payment" && (sum.Served.Count != 2 || sum.Requests != 1) {
				t.Fatalf("served %d times for %d calls", sum.Served.Count, sum.Requests)
			}
		}
		if snap.Dropped != (Dropped{}) {
			t.Fatalf("dropped %+v", snap.Dropped)
		}
	}
}

func TestTheCallerOfASilentProgramIsNotTheCallerOfItsCallees(t *testing.T) {
	c := newClock()
	s := newSpans(c)
	g := New(Config{Now: c.now, Resolve: func(string) string { return "silent" }})
	client := s.span(trace.Client, "checkout", "Do", trace.SpanID{9}, time.Millisecond, "")
	client.Peer = "127.0.0.1"
	list := []trace.Record{client}
	parent := client.Span
	for _, hop := range []struct {
		kind    trace.Kind
		service string
	}{{trace.Client, "checkout"}, {trace.Server, "silent"}, {trace.Client, "silent"}, {trace.Server, "email"}} {
		r := s.span(hop.kind, hop.service, "x:80/*", parent, time.Millisecond, "")
		r.Proxy = true
		list, parent = append(list, r), r.Span
	}
	list = append(list, s.span(trace.Server, "email", "Send", parent, time.Millisecond, ""))
	g.Add(list)
	c.forward(pairFor + time.Second)
	g.Add(nil)
	snap := last(g, 30*time.Second)
	if len(snap.Edges) != 1 || snap.Edges[0].Callee != "silent" || snap.Edges[0].Requests != 1 {
		t.Errorf("%+v", snap.Edges)
	}
}

func TestSpansOfSidecarsThatFormACircleAreHarmless(t *testing.T) {
	c := newClock()
	s := newSpans(c)
	g := New(Config{Now: c.now})
	a := s.span(trace.Client, "a", "x", trace.SpanID{}, time.Millisecond, "")
	b := s.span(trace.Server, "b", "x", a.Span, time.Millisecond, "")
	a.Parent, a.Proxy, b.Proxy = b.Span, true, true
	g.Add([]trace.Record{s.span(trace.Server, "c", "y", a.Span, time.Millisecond, ""), a, b, s.span(trace.Server, "d", "y", b.Span, time.Millisecond, "")})
	if snap := last(g, 30*time.Second); len(snap.Edges) != 0 || len(snap.Nodes) != 2 {
		t.Errorf("%+v", snap)
	}
}
