package servicegraph

import (
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

// sent is the span of a message that is sent, received that of its handling, which ends lag later.
func (s *spans) sent(service string) trace.Record {
	r := s.span(trace.Producer, service, "send shop.event.OrderPlaced", s.id(), time.Millisecond, "")
	r.Protocol = "nats"
	return r
}

func (s *spans) received(service string, message trace.Record, lag time.Duration, code string) trace.Record {
	r := s.span(trace.Consumer, service, "process shop.event.OrderPlaced", message.Span, 2*time.Millisecond, code)
	r.Protocol = "nats"
	r.End = message.Start.Add(lag)
	r.Start = r.End.Add(-2 * time.Millisecond)
	return r
}

func TestEveryReceiverOfAMessageHasAnEdgeWhicheverSideComesFirst(t *testing.T) {
	for _, place := range []int{0, 1, 2} {
		c := newClock()
		g, s := New(Config{Now: c.now}), newSpans(c)
		message := s.sent("checkout")
		all := []trace.Record{s.received("email", message, 30*time.Millisecond, ""), s.received("warehouse", message, 80*time.Millisecond, "")}
		all = append(all[:place:place], append([]trace.Record{message}, all[place:]...)...)
		for _, r := range all {
			g.Add([]trace.Record{r})
		}
		snap := last(g, time.Minute)
		if len(snap.Edges) != 2 {
			t.Fatalf("message in place %d: edges %+v", place, snap.Edges)
		}
		for receiver, lag := range map[string]time.Duration{"email": 30 * time.Millisecond, "warehouse": 80 * time.Millisecond} {
			e := find(t, snap, "checkout", receiver)
			if !e.Asynchronous || e.Requests != 1 || e.Failed != 0 || e.Protocol != "nats" || e.P95 < lag*9/10 || e.P95 > lag*11/10 {
				t.Errorf("message in place %d: %+v, want one message that was handled after %v", place, e, lag)
			}
		}
		totals, _ := g.Totals()
		for _, total := range totals {
			if !total.Asynchronous || total.Calls.Seconds < 0.03 || total.Served.Seconds != 0.002 {
				t.Errorf("message in place %d: totals %+v", place, total)
			}
		}
	}
}

func TestEachDeliveryOfAMessageCounts(t *testing.T) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	message := s.sent("checkout")
	g.Add([]trace.Record{message, s.received("email", message, time.Millisecond, "ERROR"), s.received("email", message, time.Second, "")})
	if e := find(t, last(g, time.Minute), "checkout", "email"); e.Requests != 2 || e.Failed != 1 {
		t.Errorf("%+v, want two deliveries, of which one failed", e)
	}
}

func TestCallsAndMessagesBetweenTheSameServicesAreTwoEdges(t *testing.T) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	client, server := s.call("checkout", "email", "")
	message := s.sent("checkout")
	g.Add([]trace.Record{message, s.received("email", message, time.Millisecond, ""), client, server})
	edges := last(g, time.Minute).Edges
	if len(edges) != 2 || edges[0].Asynchronous || edges[0].Protocol != "grpc" || !edges[1].Asynchronous || edges[1].Protocol != "nats" {
		t.Errorf("%+v, want the calls before the messages", edges)
	}
}

// A consumer in another program often begins a trace of its own, which only a link connects with the sender's.
func TestAMessageIsKnownByTheLinkOfItsConsumer(t *testing.T) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	message := s.sent("checkout")
	consumer := s.received("loyalty", message, 5*time.Millisecond, "")
	consumer.Trace, consumer.Parent, consumer.SentIn, consumer.Sent = trace.ID{2}, trace.SpanID{}, message.Trace, message.Span
	g.Add([]trace.Record{message, consumer})
	snap := last(g, time.Minute)
	if e := find(t, snap, "checkout", "loyalty"); len(snap.Edges) != 1 || !e.Asynchronous {
		t.Errorf("edges %+v", snap.Edges)
	}
}

func TestAMessageWithoutAReceiverAndAReceiverWithoutASenderAreOnNoEdge(t *testing.T) {
	c := newClock()
	g, s := New(Config{Now: c.now}), newSpans(c)
	alone := s.received("warehouse", trace.Record{Start: c.now()}, time.Millisecond, "")
	g.Add([]trace.Record{s.sent("checkout"), alone})
	c.forward(pairFor)
	snap := last(g, time.Minute)
	if len(snap.Edges) != 0 || snap.Dropped != (Dropped{}) {
		t.Errorf("%+v", snap)
	}
	if len(snap.Nodes) != 1 || snap.Nodes[0].Service != "warehouse" || snap.Nodes[0].Requests != 1 {
		t.Errorf("nodes %+v, want what the warehouse handled", snap.Nodes)
	}
}

// Where the receivers send no spans, the server that the message went to is who is known.
func TestAMessageOfWhichNobodyReportsIsACallOfItsServer(t *testing.T) {
	c := newClock()
	g, s := New(Config{Now: c.now, Resolve: func(string) string { return "nats" }}), newSpans(c)
	message := s.sent("checkout")
	message.Peer, message.Port = "127.0.0.1", "4222"
	g.Add([]trace.Record{message})
	c.forward(pairTimeout)
	if e := find(t, last(g, time.Minute), "checkout", "nats"); e.Asynchronous || e.Requests != 1 {
		t.Errorf("%+v", e)
	}
}
