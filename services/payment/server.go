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
	"github.com/shopctl/shopctl/pkg/chassis/idempotent"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// Results of a payment, as counted by shop_payments_total.
const (
	resultSuccess  = "success"
	resultDeclined = "declined" // the card was refused
	resultError    = "error"    // the request was not valid, or the service failed
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
			Help: "Payments by result. A charge repeated under its idempotency-key counts once.",
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

// Charge takes an amount from a card. A call that repeats an earlier one under its idempotency-key is not checked
// again: what was charged is charged, whatever has happened to the card since.
func (s *server) Charge(ctx context.Context, in *hipstershop.ChargeRequest) (*hipstershop.ChargeResponse, error) {
	key, err := chassis.IdempotencyKeyOf(ctx)
	if err != nil {
		return nil, s.fail(ctx, codes.InvalidArgument, err)
	}
	keys := s.ledger.keys
	id, repeated, err := keys.Do(ctx, key, keys.Fingerprint(in), func() (uuid.UUID, error) { return s.charge(ctx, in, key) })
	switch {
	case errors.Is(err, idempotent.ErrKeyReused):
		return nil, s.fail(ctx, codes.InvalidArgument, errKeyReused)
	case err != nil:
		return nil, err
	case repeated:
		s.log.InfoContext(ctx, "payment repeated, not charged again", "transaction_id", id.String())
	}
	return &hipstershop.ChargeResponse{TransactionId: id.String()}, nil
}

// charge checks a request and charges its card.
func (s *server) charge(ctx context.Context, in *hipstershop.ChargeRequest, key string) (uuid.UUID, error) {
	amount, err := chargeable(in.GetAmount())
	if err != nil {
		return uuid.Nil, s.fail(ctx, codes.InvalidArgument, err)
	}
	if in.GetCreditCard() == nil {
		return uuid.Nil, s.fail(ctx, codes.InvalidArgument, errors.New("credit_card is missing"))
	}
	c, err := s.inspector.inspect(in.GetCreditCard())
	if err != nil {
		s.payments.WithLabelValues(resultDeclined).Inc()
		s.log.WarnContext(ctx, "payment declined", "reason", err.Error(), "amount", money.Rounded(amount))
		return uuid.Nil, shoperr.New(codes.InvalidArgument, err.Error(), shoperr.Payment, shoperr.CardDeclined, nil)
	}
	// A call that was held in a paused process for longer than its deadline must not charge for an order that has
	// failed since.
	if err := ctx.Err(); err != nil {
		return uuid.Nil, s.fail(ctx, status.FromContextError(err).Code(), fmt.Errorf("not charged: %w", err))
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return uuid.Nil, s.fail(ctx, codes.Internal, fmt.Errorf("make transaction id: %w", err))
	}
	t := transaction{id: id, currency: amount.GetCurrencyCode(), units: amount.GetUnits(), nanos: amount.GetNanos(), key: key}
	copy(t.lastFour[:], c.lastFour)
	s.ledger.add(t)
	s.payments.WithLabelValues(resultSuccess).Inc()
	trace.SpanFromContext(ctx).SetAttributes(
		attribute.String(shopv1.AttrAudit, shopv1.AuditCharged), attribute.String(shopv1.AttrTransaction, id.String()),
		attribute.String(shopv1.AttrAmount, money.Rounded(amount)), attribute.String("shop.card_type", c.brand))
	s.log.InfoContext(ctx, shopv1.LogCharged, "transaction_id", id.String(), "amount", money.Rounded(amount), "card_type", c.brand, "card_ending", c.lastFour)
	return id, nil
}

// fail counts and logs a call that failed for a reason other than the card.
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

// chargeable returns what is charged for an amount: the amount, rounded to its currency's smallest unit, which is all
// that a card can pay. It refuses what no card can pay.
func chargeable(amount *hipstershop.Money) (*hipstershop.Money, error) {
	if err := checkAmount(amount); err != nil {
		return nil, err
	}
	rounded, err := money.Round(amount)
	if err == nil && money.Sign(rounded) == 0 {
		err = fmt.Errorf("invalid amount: %s is less than can be charged", money.Decimal(amount))
	}
	return rounded, err
}

// checkAmount repeats only numbers of what it refuses: a text might hold anything.
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
