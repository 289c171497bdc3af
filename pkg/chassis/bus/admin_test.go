package bus_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/chassis/bus/bustest"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

func TestTheSpansOfSenderAndReceiverAreLinked(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	tracer := trace.NewTracerProvider(trace.WithSpanProcessor(spans)).Tracer("test")
	b := connect(t, bustest.Start(t).URL(), bus.Config{Tracer: tracer})
	e := event("a", 1, shopevent.OrderPlaced)
	e.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	publish(t, b, e)
	consume(t, b, bus.Consumer{Name: "traced", Handle: func(context.Context, shopevent.Event) error { return nil }})
	wait(t, "two spans", func() bool { return len(spans.Ended()) == 2 })
	sent, got := spans.Ended()[0], spans.Ended()[1]
	if sent.Name() != "send shop.event.OrderPlaced" || sent.Parent().SpanID().String() != "b7ad6b7169203331" || sent.SpanKind().String() != "producer" {
		t.Errorf("sent by %q of kind %v below %v", sent.Name(), sent.SpanKind(), sent.Parent().SpanID())
	}
	if got.SpanKind().String() != "consumer" || got.Parent().SpanID() != sent.SpanContext().SpanID() || len(got.Links()) != 1 || got.Links()[0].SpanContext.SpanID() != sent.SpanContext().SpanID() {
		t.Errorf("received by %q of kind %v below %v, links %v", got.Name(), got.SpanKind(), got.Parent().SpanID(), got.Links())
	}
}

func TestTailShowsTheNewestEventsAndFollows(t *testing.T) {
	b := connect(t, bustest.Start(t).URL(), bus.Config{})
	for n := range 30 {
		publish(t, b, event("a", n+1, shopevent.Types()[n%3]))
	}
	var got []uint64
	err := b.Tail(t.Context(), []string{shopevent.OrderPlaced}, 4, false, func(s bus.Stored) error { got = append(got, s.Seq); return nil })
	if err != nil || !slices.Equal(got, []uint64{21, 24, 27, 30}) {
		t.Errorf("the newest are %v: %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var followed []uint64
	err = b.Tail(ctx, nil, 1, true, func(s bus.Stored) error {
		if followed = append(followed, s.Seq); len(followed) == 1 {
			publish(t, b, event("b", 1, shopevent.OrderPlaced))
			return nil
		}
		cancel()
		return nil
	})
	if err != nil || !slices.Equal(followed, []uint64{30, 31}) {
		t.Errorf("followed %v: %v", followed, err)
	}
	seq, err := b.FirstSince(t.Context(), time.Now().Add(time.Hour))
	if err != nil || seq != 32 {
		t.Errorf("since a later time: %d, %v", seq, err)
	}
	if seq, err = b.FirstSince(t.Context(), time.Now().Add(-time.Hour)); err != nil || seq != 1 {
		t.Errorf("since an earlier time: %d, %v", seq, err)
	}
}

func TestAReplayToNobodyIsRefused(t *testing.T) {
	b := connect(t, bustest.Start(t).URL(), bus.Config{})
	if _, err := b.Topics(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Replay(t.Context(), "nobody", 1); !errors.Is(err, bus.ErrNoConsumer) {
		t.Errorf("replay: %v", err)
	}
}
