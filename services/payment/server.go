package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// What can become of a payment, as counted by shop_payments_total.
const (
	resultSuccess  = "success"
	resultDeclined = "declined" // the card was refused
	resultError    = "error"    // the request was not a charge at all, or we failed
)

type server struct {
	hipstershop.UnimplementedPaymentServiceServer
	ledger    *ledger
	inspector inspector
	log       *slog.Logger
	payments  *prometheus.CounterVec
}

func newServer(l *ledger, now func() time.Time, log *slog.Logger, metrics prometheus.Registerer) (*server, error) {
	s := &server{
		ledger:    l,
		inspector: inspector{issuers: issuers(), now: now},
		log:       log,
		payments: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "shop_payments_total",
			Help: "Payments by what became of them. A charge repeated under its idempotency-key counts once.",
		}, []string{"result"}),
	}
	for _, result := range []string{resultSuccess, resultDeclined, resultError} {
		s.payments.WithLabelValues(result)
	}
	if err := metrics.Register(s.payments); err != nil {
		return nil, fmt.Errorf("register metric: %w", err)
	}
	return s, nil
}

// Charge takes an amount from a card.
func (s *server) Charge(ctx context.Context, in *hipstershop.ChargeRequest) (*hipstershop.ChargeResponse, error) {
	key, err := chassis.IdempotencyKeyOf(ctx)
	if err != nil {
		return nil, s.fail(ctx, codes.InvalidArgument, err)
	}
	// First of all: what was charged once is charged, whatever has happened to the card since.
	request := s.ledger.fingerprint(in)
	first, found, err := s.ledger.find(key, request)
	switch {
	case err != nil:
		return nil, s.fail(ctx, codes.InvalidArgument, err)
	case found:
		return s.repeat(ctx, first), nil
	}
	if err := checkAmount(in.GetAmount()); err != nil {
		return nil, s.fail(ctx, codes.InvalidArgument, err)
	}
	if in.GetCreditCard() == nil {
		return nil, s.fail(ctx, codes.InvalidArgument, errors.New("credit_card is missing"))
	}
	c, err := s.inspector.inspect(in.GetCreditCard())
	if err != nil {
		s.payments.WithLabelValues(resultDeclined).Inc()
		s.log.WarnContext(ctx, "payment declined", "reason", err.Error(), "amount", money.Rounded(in.GetAmount()))
		return nil, shoperr.New(codes.InvalidArgument, err.Error(), shoperr.Payment, shoperr.CardDeclined, nil)
	}
	return s.take(ctx, in.GetAmount(), c, key, request)
}

// take charges a card that is good, unless the caller has given up: a call that lay in a stopped process
// for longer than its deadline must not take money for an order that has failed since.
func (s *server) take(ctx context.Context, amount *hipstershop.Money, c card, key string, request uint64) (*hipstershop.ChargeResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, s.fail(ctx, status.FromContextError(err).Code(), fmt.Errorf("not charged: %w", err))
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, s.fail(ctx, codes.Internal, fmt.Errorf("make transaction id: %w", err))
	}
	t := transaction{id: id, currency: amount.GetCurrencyCode(), units: amount.GetUnits(), nanos: amount.GetNanos(), key: key, request: request}
	copy(t.lastFour[:], c.lastFour)
	kept, err := s.ledger.add(t)
	switch {
	case err != nil:
		return nil, s.fail(ctx, codes.InvalidArgument, err)
	case kept.id != id: // another call with this key was faster
		return s.repeat(ctx, kept), nil
	}
	s.payments.WithLabelValues(resultSuccess).Inc()
	trace.SpanFromContext(ctx).SetAttributes(
		attribute.String(shopv1.AttrAudit, shopv1.AuditCharged), attribute.String(shopv1.AttrTransaction, id.String()),
		attribute.String(shopv1.AttrAmount, money.Rounded(amount)), attribute.String("shop.card_type", c.brand))
	s.log.InfoContext(ctx, shopv1.LogCharged, "transaction_id", id.String(), "amount", money.Rounded(amount), "card_type", c.brand, "card_ending", c.lastFour)
	return &hipstershop.ChargeResponse{TransactionId: id.String()}, nil
}

// repeat answers a call that was answered before.
func (s *server) repeat(ctx context.Context, first transaction) *hipstershop.ChargeResponse {
	s.log.InfoContext(ctx, "payment repeated, not charged again", "transaction_id", first.id.String())
	return &hipstershop.ChargeResponse{TransactionId: first.id.String()}
}

// fail counts and logs a call that came to nothing for a reason other than the card.
func (s *server) fail(ctx context.Context, code codes.Code, err error) error {
	s.payments.WithLabelValues(resultError).Inc()
	s.log.WarnContext(ctx, "payment failed", "reason", err.Error())
	switch {
	case errors.Is(err, errKeyReused):
		return shoperr.New(code, err.Error(), shoperr.Payment, shoperr.IdempotencyKeyReused, nil)
	case code == codes.InvalidArgument:
		return shoperr.New(code, err.Error(), shoperr.Payment, shoperr.InvalidRequest, nil)
	}
	return status.Error(code, err.Error())
}

// checkAmount repeats nothing of what it refuses but numbers: a text might hold anything.
func checkAmount(amount *hipstershop.Money) error {
	if err := money.Validate(amount); err != nil {
		return err
	}
	code := amount.GetCurrencyCode()
	if len(code) != 3 {
		return errors.New("invalid amount: its currency code is not three capital letters")
	}
	for _, c := range []byte(code) {
		if c < 'A' || c > 'Z' {
			return errors.New("invalid amount: its currency code is not three capital letters")
		}
	}
	if money.Sign(amount) <= 0 {
		return fmt.Errorf("invalid amount: %s is not more than zero", money.Decimal(amount))
	}
	return nil
}
