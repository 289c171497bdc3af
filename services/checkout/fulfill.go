package checkout

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
)

const (
	// fulfillTimeout bounds what follows the charge: shipping, emptying the cart, the confirmation. It has at least
	// minFulfillTime, even if the caller's own deadline is nearer.
	fulfillTimeout = 5 * time.Second
	minFulfillTime = time.Second
	refundTimeout  = 5 * time.Second
	// confirmTimeout bounds the confirmation, which does not change the order.
	confirmTimeout = 2 * time.Second
	// emptyAttempts is how often emptying a cart is tried at most, with pauses of emptyPause, four times that, and
	// so on. Not for longer, since items that the user adds later must stay: afterwards, it is emptied only while it
	// holds what was ordered.
	emptyAttempts = 4
	emptyPause    = 20 * time.Millisecond
)

// fulfill does what follows the charge. It returns an error only if the order could not be shipped; then the charge
// was refunded, or the error says that it was not yet.
func (s *server) fulfill(ctx context.Context, p *purchase) error {
	caller := ctx
	ctx, cancel := afterCharge(caller)
	defer cancel()
	if err := s.ship(ctx, p); err != nil {
		return s.refund(caller, p, err)
	}
	if mine, err := s.journal.stillMine(p); err == nil && !mine {
		return errTaken // the cart may have something new since
	}

	var emptied sync.WaitGroup
	emptied.Go(func() { p.emptied = s.emptyCart(ctx, p) })
	p.confirmed = s.confirm(ctx, p)
	emptied.Wait()
	p.state = placed
	if !s.save(ctx, p, p.left()) {
		return errTaken // by a replica that took this one for dead
	}
	return nil
}

// ship ships an order: it gets one parcel, however often it is shipped.
func (s *server) ship(ctx context.Context, p *purchase) error {
	return s.do(p, doShip, func() (string, error) {
		ctx := metadata.AppendToOutgoingContext(ctx, chassis.IdempotencyKey, p.chargeKey)
		shipped, err := s.shipping.ShipOrder(ctx, &hipstershop.ShipOrderRequest{Address: p.order.GetShippingAddress(), Items: p.items()})
		if err != nil {
			return "", err
		}
		p.order.ShippingTrackingId = shipped.GetTrackingId()
		return "parcel " + shipped.GetTrackingId(), nil
	})
}

// confirm sends the confirmation. If that fails, the order is still placed, and the confirmation is sent later.
func (s *server) confirm(ctx context.Context, p *purchase) (done bool) {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	err := s.sendConfirmation(ctx, p)
	if err == nil {
		return true
	}
	refused := isRefusal(err)
	s.log.WarnContext(ctx, "order confirmation not sent", "order_id", p.order.GetOrderId(), "error", err, "again", !refused)
	return refused
}

func (s *server) sendConfirmation(ctx context.Context, p *purchase) error {
	return s.do(p, doConfirm, func() (string, error) {
		if s.confirmByEvent {
			return "by the event " + shopevent.OrderPlaced, nil // which is in the transaction that records this
		}
		_, err := s.email.SendOrderConfirmation(ctx, &hipstershop.SendOrderConfirmationRequest{Email: p.email, Order: p.order})
		return "", err
	})
}

// afterCharge returns the context for what follows the charge. It ends by the caller's deadline, if that leaves
// enough time, but not when the caller hangs up: an order is not left half done.
func afterCharge(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := fulfillTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, max(time.Until(deadline), minFulfillTime))
	}
	return context.WithTimeout(context.WithoutCancel(ctx), timeout)
}

// emptyCart empties the cart of an order. If that fails, the order is still placed, and it is tried again in the
// background.
func (s *server) emptyCart(ctx context.Context, p *purchase) (done bool) {
	var err error
	for attempt := range emptyAttempts {
		if attempt > 0 {
			s.pause(ctx, emptyPause<<(2*(attempt-1)))
		}
		err = s.do(p, doEmpty, func() (string, error) {
			_, err := s.cart.EmptyCart(ctx, &hipstershop.EmptyCartRequest{UserId: p.user})
			return "", err
		})
		if err == nil {
			return true
		}
		if code := status.Code(err); ctx.Err() != nil || code != codes.Unavailable && code != codes.DeadlineExceeded && code != codes.Aborted {
			break
		}
	}
	s.log.ErrorContext(ctx, "cart not emptied, it can be ordered again", "order_id", p.order.GetOrderId(), "error", err)
	return false
}
