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
	// fulfillTimeout bounds what follows the charge: shipping, emptying the cart, the confirmation. It has at least
	// minFulfillTime, even if the caller's own deadline is nearer.
	fulfillTimeout = 5 * time.Second
	minFulfillTime = time.Second
	refundTimeout  = 5 * time.Second
	// confirmTimeout bounds the confirmation, which does not change the order.
	confirmTimeout = 2 * time.Second
	// emptyAttempts is how often emptying a cart is tried at most, with pauses of emptyPause, four times that, and
	// so on. Not for longer, since items that the user adds later must stay.
	emptyAttempts = 4
	emptyPause    = 20 * time.Millisecond
)

// fulfill does what follows the charge. It returns an error only if the order could not be shipped; then the charge
// was refunded, or the error says that it was not.
func (s *server) fulfill(ctx context.Context, req *hipstershop.PlaceOrderRequest, items []*hipstershop.CartItem, transaction string, order *hipstershop.OrderResult) error {
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

// confirm sends the confirmation. If that fails, the order is still placed; the failure is logged.
func (s *server) confirm(ctx context.Context, email string, order *hipstershop.OrderResult) {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	if _, err := s.email.SendOrderConfirmation(ctx, &hipstershop.SendOrderConfirmationRequest{Email: email, Order: order}); err != nil {
		s.log.WarnContext(ctx, "order confirmation not sent", "order_id", order.GetOrderId(), "error", err)
	}
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

// refund refunds the charge of an order that could not be shipped because of cause, and returns the error of the
// order, with what happened to the money.
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

// emptyCart empties the cart of an order. If that fails, the order is still placed; the failure is logged.
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
