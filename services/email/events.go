package email

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

// subscribe receives orders that are placed from the bus at NATS_URL, if there is one.
func (s *server) subscribe(rt *chassis.Runtime) error {
	url := rt.Getenv("NATS_URL")
	if url == "" {
		return nil
	}
	b, err := bus.Connect(bus.Config{URL: url, Name: rt.Workload(), Log: rt.Log(), Tracer: rt.Tracer()})
	if err != nil {
		return fmt.Errorf("read NATS_URL: %w", err)
	}
	rt.Go("receive events", func(ctx context.Context) error {
		return b.Consume(ctx, bus.Consumer{Name: rt.Name(), Types: []string{shopevent.OrderPlaced}, Handle: s.placed})
	})
	rt.OnDrain(func(context.Context) error { b.Close(); return nil })
	return nil
}

// placed writes the mail of an order that was placed. The outbox has one mail for each order, so that it needs no inbox: an
// event that is delivered again, and a call for the same order, find that the mail is there.
func (s *server) placed(ctx context.Context, e shopevent.Event) error {
	about, err := e.Order()
	if err != nil {
		return bus.Refuse(err)
	}
	order := &hipstershop.OrderResult{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(about.Result, order); err != nil {
		return bus.Refuse(fmt.Errorf("read the order of event %s: %w", e.ID, err))
	}
	_, err = s.SendOrderConfirmation(ctx, &hipstershop.SendOrderConfirmationRequest{Email: about.Email, Order: order})
	switch status.Code(err) {
	case codes.OK:
		return nil
	case codes.InvalidArgument:
		return bus.Refuse(err)
	case codes.Unavailable, codes.DeadlineExceeded: // of the outbox, or of the mail server
		return bus.Wait(err)
	}
	return err
}
