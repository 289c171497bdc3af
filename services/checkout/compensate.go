package checkout

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// do makes the call of a step, and adds what resulted from it to the history: the error, or the detail.
func (s *server) do(p *purchase, name string, call func() (detail string, err error)) error {
	s.journal.at("before "+name, p)
	started := s.journal.now()
	detail, err := call()
	s.journal.at("after "+name, p)
	p.history.add(name, started, s.journal.now(), err, detail)
	return err
}

// refund takes back what was done of an order that could not be shipped because of cause, and returns the error of the
// order, with what happened to the money. What fails of it is tried again in the background.
func (s *server) refund(ctx context.Context, p *purchase, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refundTimeout)
	defer cancel()
	p.state = refunding
	switch mine, err := s.journal.keep(p); {
	case err != nil:
		s.log.ErrorContext(ctx, "refund not recorded", "order_id", p.order.GetOrderId(), "error", err)
	case !mine:
		return errTaken
	}
	unshipped := error(nil)
	if !isRefusal(cause) { // the response may have been lost, and the parcel sent
		unshipped = s.cancelShipment(ctx, p)
	}
	if err := s.returnCharge(ctx, p); err != nil {
		again := retryPause
		if isRefusal(err) {
			p.state, again = stuck, 0
		}
		s.save(ctx, p, again)
		return stepShip().failWith(cause, "; the charge "+p.transaction+" could not be refunded: "+status.Convert(err).Message(),
			map[string]string{shoperr.Charge: shoperr.ChargeKept, shoperr.Order: p.order.GetOrderId()})
	}
	if unshipped != nil {
		s.save(ctx, p, retryPause)
	} else {
		s.giveUp(p)
		s.save(ctx, p, 0)
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.String(shopv1.AttrAudit, shopv1.AuditRefunded))
	return stepShip().failWith(cause, "; the charge was refunded", map[string]string{shoperr.Charge: shoperr.ChargeRefunded})
}

// giveUp ends an order of which nothing stands. The keys of its charge and shipment are spent.
func (s *server) giveUp(p *purchase) {
	p.state = failed
	p.generation++
}

// takeBack does the same in the background, or by hand: the shipment first, whether or not there was one.
func (s *server) takeBack(ctx context.Context, p *purchase) error {
	unshipped, err := s.cancelShipment(ctx, p), s.returnCharge(ctx, p)
	switch {
	case err != nil && isRefusal(err) && p.closing:
		s.log.WarnContext(ctx, "order closed by hand, its charge stands", "order_id", p.order.GetOrderId(), "transaction_id", p.transaction)
	case err != nil && isRefusal(err):
		p.state = stuck
		return nil
	case err != nil:
		p.state = refunding
		return errors.Join(unshipped, fmt.Errorf("refund the charge: %w", err))
	case unshipped != nil:
		p.state = refunding
		return fmt.Errorf("cancel the shipment: %w", unshipped)
	}
	s.giveUp(p)
	return nil
}

// cancelShipment makes sure that no parcel is sent. The original's shipping service does not offer it, and sends none.
func (s *server) cancelShipment(ctx context.Context, p *purchase) error {
	err := s.do(p, undoShip, func() (string, error) {
		resp, err := s.shipments.CancelShipment(ctx, &shopv1.CancelShipmentRequest{
			IdempotencyKey: p.chargeKey, Reason: "order " + p.order.GetOrderId() + " was given up",
		})
		switch {
		case status.Code(err) == codes.Unimplemented:
			return "the shipping service does not offer it", nil
		case resp.GetTrackingId() != "":
			return "parcel " + resp.GetTrackingId(), err
		}
		return "nothing was shipped", err
	})
	if err != nil {
		s.log.WarnContext(ctx, "shipment not canceled", "order_id", p.order.GetOrderId(), "error", err)
	}
	return err
}

// returnCharge refunds the charge, or voids it where it is not known whether there is one.
func (s *server) returnCharge(ctx context.Context, p *purchase) error {
	if p.transaction == "" {
		return s.voidCharge(ctx, p)
	}
	err := s.do(p, undoCharge, func() (string, error) {
		resp, err := s.refunds.Refund(ctx, &shopv1.RefundRequest{TransactionId: p.transaction, Reason: "order " + p.order.GetOrderId() + " could not be shipped"})
		return "refund " + resp.GetRefundId() + " of " + p.transaction, err
	})
	if err != nil {
		s.log.ErrorContext(ctx, "charge not refunded", "order_id", p.order.GetOrderId(), "transaction_id", p.transaction, "error", err)
		return err
	}
	s.log.WarnContext(ctx, "charge refunded", "order_id", p.order.GetOrderId(), "transaction_id", p.transaction)
	return nil
}

func (s *server) voidCharge(ctx context.Context, p *purchase) error {
	return s.do(p, voidCharge, func() (string, error) {
		resp, err := s.refunds.Void(ctx, &shopv1.VoidRequest{IdempotencyKey: p.chargeKey, Reason: "order " + p.order.GetOrderId() + " was given up"})
		if charge := resp.GetTransaction(); charge != nil {
			p.transaction = charge.GetTransactionId()
			return "refunded: " + p.transaction, err
		}
		return "nothing was charged", err
	})
}
