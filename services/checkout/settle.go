package checkout

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

const (
	// settleEvery is how often leases are renewed, and purchases looked for that something is left to do for.
	settleEvery = time.Second
	// drainLease is how long the orders that are under way when the process begins to drain belong to it.
	drainLease = 30 * time.Second
	// settleDelay is how long a doubtful charge waits for its caller to try again before it is voided.
	settleDelay = 5 * time.Second
	// settleTimeout bounds the calls for one purchase.
	settleTimeout = 4 * time.Second
	// settleMost is how many purchases are settled at a time.
	settleMost = 1000
	// The pauses between attempts begin with retryPause and double up to maxRetryPause.
	retryPause, maxRetryPause = time.Second, time.Minute
)

// settleInBackground finishes what is left to do: orders of processes that are gone, charges in doubt, refunds and
// confirmations that failed.
func (s *server) settleInBackground(ctx context.Context) error {
	return every(ctx, settleEvery, func() { s.settleDue(ctx) })
}

// renewInBackground keeps the orders that this process works on.
func (s *server) renewInBackground(ctx context.Context) error {
	_ = every(ctx, settleEvery, func() {
		if err := s.journal.renew(leaseTime); err != nil {
			s.log.Warn("leases of orders not renewed", "error", err)
		}
	})
	return s.journal.renew(drainLease) // orders in flight are finished before the process ends
}

// every calls work at an interval until ctx ends.
func every(ctx context.Context, interval time.Duration, work func()) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			work()
		}
	}
}

// settleDue settles what is due. Where something fails, the next of its kind would most likely fail as well: it waits.
func (s *server) settleDue(ctx context.Context) {
	due, err := s.journal.dueNow(settleMost)
	if err != nil {
		s.log.Warn("orders to settle not found", "error", err)
	}
	failing := map[state]bool{}
	started := s.journal.now()
	for _, p := range due {
		if ctx.Err() != nil || s.journal.now().Sub(started) > leaseTime {
			return
		}
		if kind := p.state; !failing[kind] && s.settle(ctx, p) != nil {
			failing[kind] = true
		}
	}
}

// settle brings a purchase to its end, unless another process works on it. If that fails, it is tried again later.
func (s *server) settle(ctx context.Context, p *purchase) error {
	defer s.journal.release(p)
	mine, err := s.journal.claim(p)
	if err != nil || !mine {
		return err
	}
	return s.settleMine(ctx, p)
}

// settleMine settles a purchase that this process has claimed.
func (s *server) settleMine(ctx context.Context, p *purchase) (err error) {
	ctx, span := s.tracer.Start(ctx, "settle order", trace.WithSpanKind(trace.SpanKindInternal))
	defer span.End()
	p.traceParent = traceParentOf(ctx)
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	switch p.state {
	case charging:
		err = s.resume(ctx, p)
	case doubtful:
		err = s.void(ctx, p)
	case refunding, stuck:
		err = s.takeBack(ctx, p)
	case placed:
		err = s.finish(ctx, p)
	}
	again := p.left()
	if err != nil {
		again = min(retryPause<<min(p.tries, 10), maxRetryPause)
		p.tries++
		s.log.WarnContext(ctx, "order not settled, trying again later", "order_id", p.order.GetOrderId(), "pause", again.String(), "error", err)
	}
	s.save(ctx, p, again)
	return err
}

// resume goes on with an order whose process is gone: if the card was charged, the order is finished, else it has failed.
func (s *server) resume(ctx context.Context, p *purchase) error {
	var charge *shopv1.Transaction
	err := s.do(p, lookUp, func() (string, error) {
		resp, err := s.refunds.Void(ctx, &shopv1.VoidRequest{IdempotencyKey: p.chargeKey, KeepCharge: true, Reason: "order " + p.order.GetOrderId() + " was interrupted"})
		if charge = resp.GetTransaction(); charge == nil {
			return "not charged; the key is voided", err
		}
		return "charged: " + charge.GetTransactionId(), err
	})
	switch {
	case status.Code(err) == codes.Unimplemented:
		s.cannotVoid(ctx, p)
		return nil
	case err != nil:
		return fmt.Errorf("look up the charge: %w", err)
	case charge == nil:
		s.log.InfoContext(ctx, "interrupted order was not charged", "order_id", p.order.GetOrderId())
		p.state = failed
		p.generation++
		return nil
	}
	p.transaction = charge.GetTransactionId()
	if s.journal.late(p) {
		s.log.WarnContext(ctx, "interrupted order not finished in time, it is taken back", "order_id", p.order.GetOrderId())
		p.state = refunding
		return s.takeBack(ctx, p)
	}
	if err := s.ship(ctx, p); err != nil {
		if !isRefusal(err) {
			return fmt.Errorf("ship the order: %w", err)
		}
		p.state = refunding
		return s.takeBack(ctx, p)
	}
	p.state, p.tries = placed, 0
	if total, err := sum(p.order); err == nil {
		s.recordPlaced(ctx, p, total)
	}
	if err := s.finish(ctx, p); err != nil { // the order is placed all the same
		s.log.WarnContext(ctx, "order placed, not all is done yet", "order_id", p.order.GetOrderId(), "error", err)
	}
	return nil
}

// void voids a charge in doubt.
func (s *server) void(ctx context.Context, p *purchase) error {
	err := s.voidCharge(ctx, p)
	switch {
	case status.Code(err) == codes.Unimplemented:
		s.cannotVoid(ctx, p)
		return nil
	case err != nil:
		return fmt.Errorf("void the charge: %w", err)
	}
	p.state = failed
	p.generation++
	return nil
}

// cannotVoid gives up a charge in doubt of a payment service that does not void, such as the original's. The next attempt
// has the same key, in case that service knows it.
func (s *server) cannotVoid(ctx context.Context, p *purchase) {
	s.log.ErrorContext(ctx, "charge in doubt not voided: the payment service does not offer it", "order_id", p.order.GetOrderId())
	p.state = failed
}

// finish empties the cart of a placed order, if it is still the order's, and sends the confirmation.
func (s *server) finish(ctx context.Context, p *purchase) error {
	if !p.emptied {
		err := s.do(p, doEmpty, func() (string, error) {
			cart, err := s.cart.GetCart(ctx, &hipstershop.GetCartRequest{UserId: p.user})
			if err != nil || !p.holds(cart) {
				return "the cart was changed: left as it is", err
			}
			_, err = s.cart.EmptyCart(ctx, &hipstershop.EmptyCartRequest{UserId: p.user})
			return "", err
		})
		if err != nil && !isRefusal(err) {
			return fmt.Errorf("empty the cart: %w", err)
		}
		p.emptied = true
	}
	if !p.confirmed {
		err := s.sendConfirmation(ctx, p)
		if err != nil && !isRefusal(err) {
			return fmt.Errorf("send the confirmation: %w", err)
		}
		if err != nil {
			s.log.ErrorContext(ctx, "order confirmation refused", "order_id", p.order.GetOrderId(), "error", err)
		}
		p.confirmed = true
	}
	return nil
}

// isRefusal reports whether a call failed in a way that leaves no doubt that it had no effect, and that repeating it
// would not change.
func isRefusal(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.FailedPrecondition,
		codes.OutOfRange, codes.Unimplemented, codes.Unauthenticated, codes.ResourceExhausted, 400:
		return true
	}
	return false
}
