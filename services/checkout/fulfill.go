package checkout

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
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
	shipped, err := s.shipping.ShipOrder(shipmentOf(ctx, p), &hipstershop.ShipOrderRequest{Address: p.order.GetShippingAddress(), Items: p.items()})
	if err != nil {
		return s.refund(caller, p, err)
	}
	p.order.ShippingTrackingId = shipped.GetTrackingId()
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

// shipmentOf returns the context of a shipment: an order gets one parcel, however often it is shipped.
func shipmentOf(ctx context.Context, p *purchase) context.Context {
	return metadata.AppendToOutgoingContext(ctx, chassis.IdempotencyKey, p.order.GetOrderId())
}

// confirm sends the confirmation. If that fails, the order is still placed, and the confirmation is sent later.
func (s *server) confirm(ctx context.Context, p *purchase) (done bool) {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	_, err := s.email.SendOrderConfirmation(ctx, &hipstershop.SendOrderConfirmationRequest{Email: p.email, Order: p.order})
	if err == nil {
		return true
	}
	refused := isRefusal(err)
	s.log.WarnContext(ctx, "order confirmation not sent", "order_id", p.order.GetOrderId(), "error", err, "again", !refused)
	return refused
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
// order, with what happened to the money. A refund that fails is tried again in the background.
func (s *server) refund(ctx context.Context, p *purchase, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refundTimeout)
	defer cancel()
	if !isRefusal(cause) {
		s.log.WarnContext(ctx, "the response of shipping was lost: a parcel may have been sent; the same order, tried again with its idempotency-key, sends no second one",
			"order_id", p.order.GetOrderId())
	}
	p.state = refunding
	switch mine, err := s.journal.keep(p); {
	case err != nil:
		s.log.ErrorContext(ctx, "refund not recorded", "order_id", p.order.GetOrderId(), "error", err)
	case !mine:
		return errTaken
	}
	refund, err := s.refunds.Refund(ctx, &shopv1.RefundRequest{TransactionId: p.transaction, Reason: "order " + p.order.GetOrderId() + " could not be shipped"})
	if err != nil {
		s.log.ErrorContext(ctx, "charge not refunded", "order_id", p.order.GetOrderId(), "transaction_id", p.transaction, "error", err)
		s.save(ctx, p, retryPause)
		return stepShip().failWith(cause, "; the charge "+p.transaction+" could not be refunded: "+status.Convert(err).Message(),
			map[string]string{shoperr.Charge: shoperr.ChargeKept})
	}
	p.state = failed
	p.generation++
	s.save(ctx, p, 0)
	trace.SpanFromContext(ctx).SetAttributes(attribute.String(shopv1.AttrAudit, shopv1.AuditRefunded))
	s.log.WarnContext(ctx, "charge refunded", "order_id", p.order.GetOrderId(), "transaction_id", p.transaction, "refund_id", refund.GetRefundId())
	return stepShip().failWith(cause, "; the charge was refunded", map[string]string{shoperr.Charge: shoperr.ChargeRefunded})
}

// emptyCart empties the cart of an order. If that fails, the order is still placed, and it is tried again in the
// background.
func (s *server) emptyCart(ctx context.Context, p *purchase) (done bool) {
	var err error
	for attempt := range emptyAttempts {
		if attempt > 0 {
			s.pause(ctx, emptyPause<<(2*(attempt-1)))
		}
		if _, err = s.cart.EmptyCart(ctx, &hipstershop.EmptyCartRequest{UserId: p.user}); err == nil {
			return true
		}
		if code := status.Code(err); ctx.Err() != nil || code != codes.Unavailable && code != codes.DeadlineExceeded && code != codes.Aborted {
			break
		}
	}
	s.log.ErrorContext(ctx, "cart not emptied, it can be ordered again", "order_id", p.order.GetOrderId(), "error", err)
	return false
}
