package checkout

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/cache"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// orderTimeout bounds an order up to its charge, all calls together, when its caller set no nearer deadline.
// What follows the charge has a little more: fulfillTimeout.
const orderTimeout = 5 * time.Second

// server implements hipstershop.CheckoutService.
type server struct {
	hipstershop.UnimplementedCheckoutServiceServer
	clients
	prices      *cache.Cache[priceKey, *hipstershop.Money]
	conversions *cache.Cache[conversionKey, *hipstershop.Money]
	journal     *journal
	pause       func(context.Context, time.Duration)
	// confirmByEvent is whether email is not called: it receives events.
	confirmByEvent bool
	tracer         trace.Tracer
	log            *slog.Logger
}

// errTaken is returned where another call, perhaps of another replica, is quicker with the same key.
var errTaken = errors.New("the key was taken in the meantime")

// PlaceOrder buys what is in a user's cart.
func (s *server) PlaceOrder(ctx context.Context, req *hipstershop.PlaceOrderRequest) (*hipstershop.PlaceOrderResponse, error) {
	if err := validate(req); err != nil {
		return nil, refuse(codes.InvalidArgument, shoperr.InvalidRequest, err.Error())
	}
	key, err := chassis.IdempotencyKeyOf(ctx)
	if err != nil {
		return nil, refuse(codes.InvalidArgument, shoperr.InvalidRequest, err.Error())
	}
	p := &purchase{key: key, request: fingerprintOf(req), user: req.GetUserId(), email: req.GetEmail()}
	for {
		if p.key != "" {
			switch resp, err := s.earlier(ctx, p); {
			case errors.Is(err, errTaken):
				continue
			case resp != nil || err != nil:
				return resp, err
			}
		}
		resp, err := s.place(ctx, req, p)
		if errors.Is(err, errTaken) {
			continue
		}
		return resp, err
	}
}

// place places a new order.
func (s *server) place(ctx context.Context, req *hipstershop.PlaceOrderRequest, p *purchase) (*hipstershop.PlaceOrderResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	cart, err := s.cart.GetCart(ctx, &hipstershop.GetCartRequest{UserId: req.GetUserId()})
	if err != nil {
		return nil, stepCart().fail(err)
	}
	if err := validateCart(cart); err != nil {
		return nil, s.unlessTaken(p, err)
	}
	p.history.reset()
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		p.trace = span.TraceID().String()
	}
	p.traceParent = traceParentOf(ctx)
	p.order = &hipstershop.OrderResult{ShippingAddress: req.GetAddress()}
	if err := s.prepare(ctx, req, cart.GetItems(), p.order); err != nil {
		return nil, err
	}
	total, err := sum(p.order)
	if err != nil {
		return nil, refuse(codes.FailedPrecondition, shoperr.CartInvalid, "failed to add up the order: "+err.Error())
	}
	sent := p.key != ""
	if err := s.reserve(p); err != nil {
		return nil, err
	}
	defer s.journal.release(p)
	if err := s.charge(ctx, p, total, req.GetCreditCard()); err != nil {
		return nil, s.notCharged(ctx, p, sent, err)
	}
	// Recorded at once: payment may be killed before it sends its own span.
	trace.SpanFromContext(ctx).SetAttributes(
		attribute.String(shopv1.AttrAudit, shopv1.AuditCharged), attribute.String(shopv1.AttrTransaction, p.transaction))
	if err := s.fulfill(ctx, p); err != nil {
		return nil, err
	}
	s.recordPlaced(ctx, p, total)
	return &hipstershop.PlaceOrderResponse{Order: p.order}, nil
}

// charge charges the card. If the process dies, its charge is looked up, never repeated.
func (s *server) charge(ctx context.Context, p *purchase, total *hipstershop.Money, card *hipstershop.CreditCardInfo) error {
	return s.do(p, doCharge, func() (string, error) {
		ctx := metadata.AppendToOutgoingContext(ctx, chassis.IdempotencyKey, p.chargeKey)
		charge, err := s.payment.Charge(ctx, &hipstershop.ChargeRequest{Amount: total, CreditCard: card})
		p.transaction = charge.GetTransactionId()
		return money.Rounded(total) + ", transaction " + p.transaction, err
	})
}

// unlessTaken returns an error about the cart, unless it is the key's own order that has changed the cart in the meantime.
func (s *server) unlessTaken(p *purchase, err error) error {
	if p.key == "" {
		return err
	}
	if known, failure := s.journal.find(p.key); failure == nil && known != nil && known.state != failed {
		return errTaken
	}
	return err
}

// reserve names the order and its charge, and records that they are under way.
func (s *server) reserve(p *purchase) error {
	if err := p.name(); err != nil {
		return status.Error(codes.Internal, "failed to make an order id: "+err.Error())
	}
	mine, err := s.journal.reserve(p)
	switch {
	case err != nil:
		s.log.Error("order not recorded", "error", err)
		return refuse(codes.Unavailable, shoperr.JournalUnavailable, "failed to record the order, nothing was charged: "+err.Error())
	case !mine:
		return errTaken
	}
	return nil
}

// notCharged records that a card was not charged, or that this is not known, and returns the error of the order. sent is
// whether the caller has sent a key.
func (s *server) notCharged(ctx context.Context, p *purchase, sent bool, cause error) error {
	if isRefusal(cause) {
		p.state = failed
		if reason, _, _ := shoperr.Find(cause, shoperr.Payment); reason == shoperr.IdempotencyKeyVoided {
			p.generation++
		}
		s.save(ctx, p, 0)
		return stepCharge().fail(cause)
	}
	p.state = doubtful
	s.save(ctx, p, settleDelay)
	again := "the same idempotency-key"
	if !sent {
		again = "idempotency-key " + p.key
	}
	return stepCharge().failWith(cause, "; whether the card was charged for order "+p.order.GetOrderId()+" is not known: repeat the call with "+again+", else the charge is voided",
		map[string]string{shoperr.Outcome: shoperr.OutcomeUnknown, shoperr.Order: p.order.GetOrderId()})
}

// recordPlaced records an order on the span and in the log.
func (s *server) recordPlaced(ctx context.Context, p *purchase, total *hipstershop.Money) {
	trace.SpanFromContext(ctx).SetAttributes(
		attribute.String(shopv1.AttrAudit, shopv1.AuditPlaced), attribute.String(shopv1.AttrOrder, p.order.GetOrderId()),
		attribute.String(shopv1.AttrTransaction, p.transaction), attribute.String(shopv1.AttrAmount, money.Rounded(total)))
	s.log.Log(ctx, chassis.LevelAudit, shopv1.LogPlaced, "order_id", p.order.GetOrderId(), "total", money.Rounded(total),
		"items", len(p.order.Items), "transaction_id", p.transaction, "tracking_id", p.order.ShippingTrackingId)
}

// save writes a purchase and gives it away. If that fails, its lease ends, and it is settled then.
func (s *server) save(ctx context.Context, p *purchase, again time.Duration) (mine bool) {
	mine, err := s.journal.save(p, again)
	if err != nil {
		s.log.ErrorContext(ctx, "order not recorded, it is settled later", "order_id", p.order.GetOrderId(), "error", err)
		return true
	}
	return mine
}
