package checkout

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

const (
	// settleTimeout bounds the shipping of an order that is paid for, the emptying of its cart and its
	// mail; refundTimeout what takes the charge back. settleAtLeast is what is left to them when the
	// caller's own deadline is nearer.
	settleTimeout = 5 * time.Second
	settleAtLeast = time.Second
	refundTimeout = 5 * time.Second
	// confirmTimeout bounds the mail: nobody waits long for what does not change the order.
	confirmTimeout = 2 * time.Second
	// emptyAttempts is how often the cart of an order is emptied at most, with pauses of emptyPause,
	// twice that, and so on. Not longer: what the user puts in later must stay.
	emptyAttempts = 4
	emptyPause    = 20 * time.Millisecond
)

// settle does what follows the charge. It returns an error only when there is no order, because it
// could not be shipped; then the charge has been taken back, or the error says that it was not.
func (s *server) settle(ctx context.Context, req *hipstershop.PlaceOrderRequest, items []*hipstershop.CartItem, transaction string, order *hipstershop.OrderResult) error {
	caller := ctx
	ctx, cancel := afterCharge(caller)
	defer cancel()
	shipped, err := s.shipping.ShipOrder(ctx, &hipstershop.ShipOrderRequest{Address: req.GetAddress(), Items: items})
	if err != nil {
		return s.refund(caller, transaction, order.GetOrderId(), err)
	}
	order.ShippingTrackingId = shipped.GetTrackingId()

	var emptied sync.WaitGroup
	emptied.Go(func() { s.emptyCart(ctx, req.GetUserId(), order.GetOrderId()) })
	s.confirm(ctx, req.GetEmail(), order)
	emptied.Wait()
	return nil
}

// confirm has the order confirmed by mail. If that cannot be done the order stands; the log says so.
func (s *server) confirm(ctx context.Context, email string, order *hipstershop.OrderResult) {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	if _, err := s.email.SendOrderConfirmation(ctx, &hipstershop.SendOrderConfirmationRequest{Email: email, Order: order}); err != nil {
		s.log.WarnContext(ctx, "order confirmation not sent", "order_id", order.GetOrderId(), "error", err)
	}
}

// afterCharge returns the context for what follows the charge. It ends by the caller's deadline, if
// that leaves time enough, but not because the caller hangs up: half an order helps nobody.
func afterCharge(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := settleTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, max(time.Until(deadline), settleAtLeast))
	}
	return context.WithTimeout(context.WithoutCancel(ctx), timeout)
}

// refund refunds the charge of an order that could not be shipped because of cause, and returns the error of the
// order, with what became of the money.
func (s *server) refund(ctx context.Context, transaction, orderID string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refundTimeout)
	defer cancel()
	refund, err := s.refunds.Refund(ctx, &shopv1.RefundRequest{TransactionId: transaction, Reason: "order " + orderID + " could not be shipped"})
	if err != nil {
		s.log.ErrorContext(ctx, "charge not refunded", "order_id", orderID, "transaction_id", transaction, "error", err)
		return stepShip().failWith(cause, "; the charge "+transaction+" could not be refunded: "+status.Convert(err).Message(),
			map[string]string{shoperr.Charge: shoperr.ChargeKept})
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.String(shopv1.AttrAudit, shopv1.AuditRefunded))
	s.log.WarnContext(ctx, "charge refunded", "order_id", orderID, "transaction_id", transaction, "refund_id", refund.GetRefundId())
	return stepShip().failWith(cause, "; the charge was refunded", map[string]string{shoperr.Charge: shoperr.ChargeRefunded})
}

// emptyCart empties the cart of an order. If that cannot be done the order stands; the log says so.
func (s *server) emptyCart(ctx context.Context, user, orderID string) {
	var err error
	for attempt := range emptyAttempts {
		if attempt > 0 {
			s.pause(ctx, emptyPause<<(2*(attempt-1)))
		}
		if _, err = s.cart.EmptyCart(ctx, &hipstershop.EmptyCartRequest{UserId: user}); err == nil {
			return
		}
		if code := status.Code(err); ctx.Err() != nil || code != codes.Unavailable && code != codes.DeadlineExceeded && code != codes.Aborted {
			break
		}
	}
	s.log.ErrorContext(ctx, "cart not emptied, it can be ordered again", "order_id", orderID, "error", err)
}
