package court

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

const (
	callTimeout = 12 * time.Second
	// repeatEvery is the pause of a customer who calls again, repeatFor how long that goes on.
	repeatEvery = 200 * time.Millisecond
	repeatFor   = 20 * time.Second
)

// customers place orders.
type customers struct {
	checkout hipstershop.CheckoutServiceClient
	carts    hipstershop.CartServiceClient
}

// fill puts what is ordered into the cart.
func (c customers) fill(ctx context.Context, o *order) error {
	return within(ctx, callTimeout, func(ctx context.Context) error {
		_, err := c.carts.AddItem(ctx, &hipstershop.AddItemRequest{UserId: o.user, Item: o.item()})
		return err
	})
}

// empty leaves no cart behind.
func (c customers) empty(ctx context.Context, o *order) error {
	return within(ctx, callTimeout, func(ctx context.Context) error {
		_, err := c.carts.EmptyCart(ctx, &hipstershop.EmptyCartRequest{UserId: o.user})
		return err
	})
}

// buy places an order, and again with the same key until there is an answer, if the customer repeats calls. told is called
// after the first call.
func (c customers) buy(ctx context.Context, o *order, told func(*hipstershop.OrderResult, error)) {
	answer, err := c.place(ctx, o)
	told(answer, err)
	if o.column != Twice {
		return
	}
	for end := time.Now().Add(repeatFor); !definite(err) && time.Now().Before(end) && ctx.Err() == nil; {
		timer := time.NewTimer(repeatEvery)
		select {
		case <-ctx.Done():
		case <-timer.C:
			answer, err = c.place(ctx, o)
			told(answer, err)
		}
		timer.Stop()
	}
	if err == nil && ctx.Err() == nil { // and once more, as if the request had been delivered twice
		if again, err := c.place(ctx, o); err == nil {
			told(again, nil)
		}
	}
}

// definite reports whether repeating a call would change nothing.
func definite(err error) bool {
	switch status.Code(err) {
	case codes.OK, codes.InvalidArgument, codes.FailedPrecondition, codes.AlreadyExists, codes.Unimplemented:
		return true
	}
	return false
}

func (c customers) place(ctx context.Context, o *order) (answer *hipstershop.OrderResult, err error) {
	ctx = metadata.AppendToOutgoingContext(ctx, "idempotency-key", o.key, "traceparent", o.traceparent())
	err = within(ctx, callTimeout, func(ctx context.Context) error {
		resp, err := c.checkout.PlaceOrder(ctx, o.request())
		answer = resp.GetOrder()
		return err
	})
	return answer, err
}
