package checkout

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
)

const (
	// waitForOther is how long a call waits for another one with its key, if its deadline is not nearer.
	waitForOther = 12 * time.Second
	// pollOther is how often it looks.
	pollOther = 15 * time.Millisecond
)

// earlier returns the result of the earlier call with the key of p. It waits for one that is under way, and settles what
// a process left that is gone. Without a result and an error, the order is to be placed: there was no such call, or
// it failed.
func (s *server) earlier(ctx context.Context, p *purchase) (*hipstershop.PlaceOrderResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, waitForOther)
	defer cancel()
	for {
		known, err := s.journal.find(p.key)
		switch {
		case err != nil:
			return nil, shoperr.New(codes.Unavailable, "failed to look up the order: "+err.Error(),
				shoperr.Checkout, shoperr.JournalUnavailable, map[string]string{shoperr.Outcome: shoperr.OutcomeUnknown})
		case known == nil:
			p.generation, p.again = 0, false
			return nil, nil
		case known.state == failed:
			p.generation, p.again = known.generation, true
			return nil, nil
		case known.request != p.request && (known.state == placed || s.journal.held(known)):
			return nil, refuse(codes.InvalidArgument, shoperr.IdempotencyKeyReused, chassis.IdempotencyKey+" was used before, for another order")
		case known.state == placed:
			return s.placedBefore(ctx, known)
		case known.state == stuck:
			return nil, unknown(known, status.Error(codes.FailedPrecondition, "the charge of an earlier attempt is neither used nor refunded; the shop has to settle it"))
		case !s.journal.held(known):
			if err := s.settle(ctx, known); err != nil {
				return nil, unknown(known, fmt.Errorf("failed to settle an earlier attempt: %w", err))
			}
			continue
		}
		s.pause(ctx, pollOther)
		if err := ctx.Err(); err != nil {
			return nil, unknown(known, fmt.Errorf("an earlier call with this %s is still under way: %w", chassis.IdempotencyKey, status.FromContextError(err).Err()))
		}
	}
}

// unknown is the error of a call that ended before the order of its key did. It names the order, whose outcome GetOrder reports.
func unknown(p *purchase, cause error) error {
	id := p.order.GetOrderId()
	return shoperr.New(outcome(status.Code(cause)), cause.Error()+"; whether order "+id+" is placed is not known: repeat the call with the same "+chassis.IdempotencyKey,
		shoperr.Checkout, shoperr.OrderUnderWay, map[string]string{shoperr.Outcome: shoperr.OutcomeUnknown, shoperr.Order: id})
}

// placedBefore returns an order again, unless the cart has something that is not in it: that must not be taken for
// ordered.
func (s *server) placedBefore(ctx context.Context, p *purchase) (*hipstershop.PlaceOrderResponse, error) {
	cart, err := s.cart.GetCart(ctx, &hipstershop.GetCartRequest{UserId: p.user})
	if err != nil {
		s.log.WarnContext(ctx, "cart not compared with the order that was placed before", "order_id", p.order.GetOrderId(), "error", err)
	}
	if err == nil && len(cart.GetItems()) > 0 && (p.emptied || !p.holds(cart)) {
		return nil, shoperr.New(codes.AlreadyExists,
			chassis.IdempotencyKey+" was used before: it placed order "+p.order.GetOrderId()+", and the cart has something new; order that with a new key",
			shoperr.Checkout, shoperr.OrderExists, map[string]string{shoperr.Order: p.order.GetOrderId()})
	}
	return &hipstershop.PlaceOrderResponse{Order: p.order}, nil
}

// holds reports whether a cart is that of the order.
func (p *purchase) holds(cart *hipstershop.Cart) bool {
	if len(cart.GetItems()) != len(p.order.GetItems()) {
		return false
	}
	ordered := map[string]int32{}
	for _, item := range p.order.GetItems() {
		ordered[item.GetItem().GetProductId()] = item.GetItem().GetQuantity()
	}
	for _, item := range cart.GetItems() {
		if ordered[item.GetProductId()] != item.GetQuantity() {
			return false
		}
	}
	return true
}

// fingerprintOf covers a request, but of the card only what may be kept of it.
func fingerprintOf(req *hipstershop.PlaceOrderRequest) fingerprint {
	req = proto.CloneOf(req)
	if card := req.GetCreditCard(); card != nil {
		number := card.GetCreditCardNumber()
		card.CreditCardNumber, card.CreditCardCvv = number[max(0, len(number)-4):], 0
	}
	return hashOf(req)
}

func hashOf(m proto.Message) fingerprint {
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return fingerprint{} // impossible: the message came over the wire
	}
	sum := sha256.Sum256(wire)
	return fingerprint(sum[:16])
}

// name sets the order's id and the key of its charge. The id follows from the caller's key and from what is bought, for
// the same charge, parcel and mail at a second attempt; without a key it is of version 1, as in the original, and is the
// key. The caller's own key is not that of the charge: the caller may have paid for something else with it.
func (p *purchase) name() error {
	if p.key == "" {
		id, err := uuid.NewUUID()
		if err != nil {
			return err
		}
		p.order.OrderId, p.key = id.String(), id.String()
	} else {
		p.order.OrderId = ""
		content := hashOf(p.order)
		p.order.OrderId = uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%q %x %x", p.key, p.request, content)).String()
	}
	p.chargeKey = p.order.OrderId
	if p.generation > 0 {
		p.chargeKey = fmt.Sprintf("%s/%d", p.order.OrderId, p.generation)
	}
	return nil
}
