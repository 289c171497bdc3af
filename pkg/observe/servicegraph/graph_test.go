package servicegraph

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/trace"
)

// clock is a time that only moves when it is set.
type clock struct{ at time.Time }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) forward(d time.Duration) { c.at = c.at.Add(d) }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 5e8, time.UTC)} }

// spans numbers the spans of a test.
type spans struct {
	c      *clock
	trace  trace.ID
	serial uint64
}

func newSpans(c *clock) *spans { return &spans{c: c, trace: trace.ID{1}} }

func (s *spans) id() (id trace.SpanID) {
	s.serial++
	binary.BigEndian.PutUint64(id[:], s.serial)
	return id
}

// span is one that has just ended.
func (s *spans) span(kind trace.Kind, service, name string, parent trace.SpanID, took time.Duration, code string) trace.Record {
	return trace.Record{
		Trace: s.trace, Span: s.id(), Parent: parent, Kind: kind, Service: service, Name: name,
		Start: s.c.at.Add(-took), End: s.c.at, Error: code != "" && code != "OK", Code: code, Protocol: "grpc",
	}
}

// call is both sides of a call of 20 ms, of which the callee needs 10.
func (s *spans) call(caller, callee, code string) (client, server trace.Record) {
	client = s.span(trace.Client, caller, "Do", s.id(), 20*time.Millisecond, code)
	client.Peer = callee + ":80"
	server = s.span(trace.Server, callee, "Do", client.Span, 10*time.Millisecond, code)
	return client, server
}

func find(t *testing.T, snap Snapshot, caller, callee string) Edge {
	t.Helper()
	for _, e := range snap.Edges {
		if e.Caller == caller && e.Callee == callee {
			return e
		}
	}
	t.Fatalf("no edge %s -> %s in %+v", caller, callee, snap.Edges)
	return Edge{}
}

// last looks back over the window until now.
func last(g *Graph, window time.Duration) Snapshot {
	now := g.cfg.Now()
	return g.Between(now.Add(-window), now)
}

func TestACallIsOneEdgeWhicheverSideComesFirst(t *testing.T) {
	for _, serverFirst := range []bool{false, true} {
		c := newClock()
		g, s := New(Config{Now: c.now}), newSpans(c)
		client, server := s.call("checkout", "payment", "UNAVAILABLE")
		if serverFirst {
			client, server = server, client
		}
		g.Add([]trace.Record{client})
		c.forward(3 * time.Second)
		g.Add([]trace.Record{server})
		snap := last(g, time.Minute)
		e := find(t, snap, "checkout", "payment")
		if len(snap.Edges) != 1 || e.Requests != 1 || e.Failed != 1 || e.Protocol != "grpc" {
			t.Errorf("edges %+v", snap.Edges)
		}
		if d := cmp.Diff([]Failure{{"UNAVAILABLE", 1}}, e.Failures); d != "" {
			t.Error(d)
		}
		if n := snap.Nodes[0]; len(snap.Nodes) != 1 || n.Service != "payment" || n.Requests != 1 {
			t.Errorf("nodes %+v", snap.Nodes)
		}
	}
}

func TestWhoSendsNoSpansIsNamedByAddress(t *testing.T) {
	c := newClock()
	g := New(Config{
		Now:     c.now,
		Name:    func(service string) string { return strings.TrimSuffix(service, "service") },
		Resolve: func(peer string) string { return map[string]string{"127.0.0.1:6379": "redis-cart"}[peer] },
	})
	s := newSpans(c)
	for _, peer := range [][2]string{{"127.0.0.1", "6379"}, {"elsewhere:443", ""}, {"", "1"}} {
		r := s.span(trace.Client, "cartservice", "hget", s.id(), time.Millisecond, "")
		r.Peer, r.Port, r.Protocol = peer[0], peer[1], "redis"
		g.Add([]trace.Record{r})
	}
	if snap := last(g, time.Minute); len(snap.Edges) != 0 {
		t.Errorf("counted before the callee could say its name: %+v", snap.Edges)
	}
	c.forward(pairTimeout)
	if e := find(t, last(g, time.Minute), "cart", "redis-cart"); e.Requests != 1 || e.Protocol != "redis" {
		t.Errorf("edge %+v", e)
	}
	c.forward(pairFor)
	snap := last(g, time.Minute)
	find(t, snap, "cart", "elsewhere:443")
	if len(snap.Edges) != 2 || snap.Dropped.Nameless != 1 {
		t.Errorf("%+v", snap)
	}
}

func TestARequestWithoutACallerIsAUsers(t *testing.T) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	g.Add([]trace.Record{s.span(trace.Server, "frontend", "GET /", trace.SpanID{}, 7*time.Millisecond, "503")})
	snap := last(g, time.Minute)
	if e := find(t, snap, User, "frontend"); e.Failed != 1 || e.P50 < 6*time.Millisecond || e.P50 > 8*time.Millisecond {
		t.Errorf("%+v", e)
	}
	if o := snap.Operations; len(o) != 1 || o[0].Name != "GET /" || o[0].Failures[0].Status != "503" {
		t.Errorf("operations %+v", o)
	}
}

func TestRetriesAreOneCallOfSeveralAttempts(t *testing.T) {
	for order := range 4 {
		c := newClock()
		g, s := New(Config{Now: c.now}), newSpans(c)
		client, first := s.call("frontend", "cart", "OK")
		batch := []trace.Record{first, s.span(trace.Server, "cart", "Do", client.Span, time.Millisecond, "UNAVAILABLE"), s.span(trace.Server, "cart", "Do", client.Span, time.Millisecond, "UNAVAILABLE")}
		batch = append(batch[:order:order], append([]trace.Record{client}, batch[order:]...)...)
		g.Add(batch)
		snap := last(g, time.Minute)
		if e := find(t, snap, "frontend", "cart"); e.Requests != 1 || e.Failed != 0 {
			t.Errorf("order %d: edge %+v", order, e)
		}
		if n := snap.Nodes[0]; n.Requests != 3 || n.Failed != 2 {
			t.Errorf("order %d: node %+v", order, n)
		}
		if got := g.edges[edgeKey{caller: "frontend", callee: "cart"}].server.requests; got != 3 {
			t.Errorf("order %d: %d attempts", order, got)
		}
	}
}

// tangle makes the spans of many traces: each request of a user makes calls at random, some of them
// retried, some to where no spans come from.
func tangle(s *spans, r *rand.Rand, traces int) []trace.Record {
	var all []trace.Record
	codes := []string{"OK", "OK", "OK", "UNAVAILABLE", "DEADLINE_EXCEEDED"}
	for i := range traces {
		binary.BigEndian.PutUint64(s.trace[:], uint64(i))
		all = append(all, s.span(trace.Server, "s0", "GET /", trace.SpanID{}, time.Duration(r.IntN(1e9)), codes[r.IntN(5)]))
		for range r.IntN(8) {
			client, server := s.call(fmt.Sprint("s", r.IntN(5)), fmt.Sprint("s", 1+r.IntN(9)), codes[r.IntN(5)])
			all = append(all, client)
			for range r.IntN(4) {
				server.Span = s.id()
				all = append(all, server)
			}
		}
	}
	return all
}

func TestTheOrderOfArrivalDoesNotMatterAndNothingIsLost(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := newClock()
		all := tangle(newSpans(c), r, 200)
		var want Snapshot
		for round := range 3 {
			c := newClock()
			g := New(Config{Now: c.now, Resolve: func(peer string) string { return peer[:2] }})
			r.Shuffle(len(all), func(i, j int) {
				if round > 0 {
					all[i], all[j] = all[j], all[i]
				}
			})
			for rest := all; len(rest) > 0; {
				n := 1 + r.IntN(len(rest))
				g.Add(rest[:n])
				rest = rest[n:]
			}
			c.forward(pairFor)
			got := last(g, time.Minute)
			if round == 0 {
				want = got
				conserved(t, all, got)
			} else if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("seed %d, another order (-first +this):\n%s", seed, d)
			}
		}
	}
}

func conserved(t *testing.T, all []trace.Record, snap Snapshot) {
	t.Helper()
	var calls, served, edges, nodes, operations int64
	for _, r := range all {
		if r.Kind == trace.Client || r.Parent == (trace.SpanID{}) {
			calls++
		}
		if r.Kind == trace.Server {
			served++
		}
	}
	for _, e := range snap.Edges {
		edges += e.Requests
	}
	for _, n := range snap.Nodes {
		nodes += n.Requests
	}
	for _, o := range snap.Operations {
		operations += o.Requests
	}
	if edges != calls || nodes != served || operations != served {
		t.Errorf("%d calls and %d requests became %d on edges, %d at services, %d of operations", calls, served, edges, nodes, operations)
	}
}

func TestAMillionNamesAreNotKept(t *testing.T) {
	c := newClock()
	g, s := New(Config{Now: c.now, Resolve: func(peer string) string { return peer }}), newSpans(c)
	batch := make([]trace.Record, 0, 1000)
	for i := range 1_000_000 {
		binary.BigEndian.PutUint64(s.trace[:], uint64(i))
		r := trace.Record{Trace: s.trace, Span: s.id(), Kind: trace.Client + trace.Kind(i%2)*(trace.Server-trace.Client), Error: true}
		r.Service = fmt.Sprint("service ", i)
		r.Name, r.Peer, r.Code, r.Protocol = r.Service, r.Service, r.Service, r.Service
		r.Port = fmt.Sprint(i)
		if batch = append(batch, r); len(batch) == cap(batch) {
			g.Add(batch)
			batch = batch[:0]
			c.forward(time.Millisecond)
		}
	}
	c.forward(pairFor)
	snap := last(g, Kept)
	if len(g.edges) > maxEdges || len(g.nodes) > maxNodes || len(g.ops) > maxOperations ||
		len(g.words) > maxWords || len(g.names) > maxWords || len(g.peers) > maxWords || len(g.addrs) > maxWords || len(g.waiting.queue) > maxWaiting {
		t.Errorf("%d edges, %d nodes, %d operations, %d words, %d names, %d peers, room for %d waiting",
			len(g.edges), len(g.nodes), len(g.ops), len(g.words), len(g.names), len(g.peers), len(g.waiting.queue))
	}
	if snap.Dropped.Series < 900_000 || snap.Dropped.Early == 0 {
		t.Errorf("dropped %+v", snap.Dropped)
	}
	c.forward(Kept + 3*time.Second)
	client, server := s.call("checkout", "payment", "OK")
	g.Add([]trace.Record{client, server})
	find(t, last(g, time.Minute), "checkout", "payment")
}

func TestNamesCanBePrintedWhateverComes(t *testing.T) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	g.Add([]trace.Record{s.span(trace.Server, "a\x1b[2Jb\nc\xff", "GET \x07", trace.SpanID{}, time.Millisecond, "\x1b]0;x")})
	snap := last(g, time.Minute)
	if e := find(t, snap, User, "a?[2Jb?c?"); e.Failures[0].Status != "?]0;x" || snap.Operations[0].Name != "GET ?" {
		t.Errorf("%+v", snap)
	}
}

func TestOneEdgeKeepsFewStatuses(t *testing.T) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	for i := range 100 {
		g.Add([]trace.Record{s.span(trace.Server, "frontend", "GET /", trace.SpanID{}, time.Millisecond, fmt.Sprint(500+i))})
	}
	e := find(t, last(g, time.Minute), User, "frontend")
	if len(e.Failures) != maxStatuses || e.Failures[0] != (Failure{otherStatus, 93}) {
		t.Errorf("failures %v", e.Failures)
	}
}

func TestAWindowHoldsWhatArrivedInIt(t *testing.T) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	for range 400 {
		g.Add([]trace.Record{s.span(trace.Server, "frontend", "GET /", trace.SpanID{}, time.Millisecond, "200")})
		c.forward(time.Second)
	}
	for window, want := range map[time.Duration]int64{10 * time.Second: 9, time.Minute: 59, time.Hour: int64(Kept/time.Second) - 1} {
		n := last(g, window).Nodes[0]
		if n.Requests != want || n.Rate() < 0.9 || n.Rate() > 1.1 {
			t.Errorf("over %s: %d requests, %.2f/s", window, n.Requests, n.Rate())
		}
	}
	before := g.Between(c.at.Add(-100*time.Second), c.at.Add(-90*time.Second))
	if n := before.Nodes[0]; n.Requests != 10 {
		t.Errorf("%d requests in ten seconds a while ago", n.Requests)
	}
	c.forward(2 * Kept)
	if snap := last(g, Kept); len(snap.Nodes) != 0 {
		t.Errorf("long after: %+v", snap.Nodes)
	}
}

func TestAddMayBeCalledByManyAtOnce(t *testing.T) {
	c := newClock()
	g := New(Config{Now: c.now})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			s := newSpans(c)
			s.trace[15] = byte(i)
			for range 500 {
				client, server := s.call("checkout", "payment", "OK")
				g.Add([]trace.Record{client, server})
				last(g, time.Minute)
			}
		})
	}
	all.Wait()
	if e := find(t, last(g, time.Minute), "checkout", "payment"); e.Requests != 2000 {
		t.Errorf("%d requests", e.Requests)
	}
}
