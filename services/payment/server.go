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
	t := transaction{key: key, fingerprint: fingerprintOf(in)}
	brand, refused := s.examine(in, &t)
	if refused != nil {
		return s.repeatedOr(ctx, t, refused)
	}
	// A call that was held in a paused process for longer than its deadline must not charge for an order that has
	// failed since.
	if err := ctx.Err(); err != nil {
		return nil, s.fail(ctx, status.FromContextError(err).Code(), fmt.Errorf("not charged: %w", err))
	}
	if t.id, err = uuid.NewRandom(); err != nil {
		return nil, s.fail(ctx, codes.Internal, fmt.Errorf("make transaction id: %w", err))
	}
	recorded, first, err := s.ledger.add(t)
	switch {
	case err != nil:
		return nil, s.notRecorded(ctx, err)
	case !first:
		return s.repeated(ctx, recorded), nil
	}
	s.payments.WithLabelValues(resultSuccess).Inc()
	amount, id := money.Rounded(t.amount), t.id.String()
	trace.SpanFromContext(ctx).SetAttributes(
		attribute.String(shopv1.AttrAudit, shopv1.AuditCharged), attribute.String(shopv1.AttrTransaction, id),
		attribute.String(shopv1.AttrAmount, amount), attribute.String("shop.card_type", brand))
	s.log.Log(ctx, chassis.LevelAudit, shopv1.LogCharged, "transaction_id", id, "amount", amount, "card_type", brand, "card_ending", t.lastFour)
	return &hipstershop.ChargeResponse{TransactionId: id}, nil
}

// examine checks a request, fills in what is charged, and returns the brand of the card. The error is a refusal if it
// is the card's.
func (s *server) examine(in *hipstershop.ChargeRequest, t *transaction) (brand string, err error) {
	if t.amount, err = chargeable(in.GetAmount()); err != nil {
		return "", err
	}
	if in.GetCreditCard() == nil {
		return "", errors.New("credit_card is missing")
	}
	c, err := s.inspector.inspect(in.GetCreditCard())
	t.lastFour = c.lastFour
	return c.brand, err
}

// repeatedOr returns the charge that the key of a request has made before, if any, else why the request is refused.
func (s *server) repeatedOr(ctx context.Context, t transaction, why error) (*hipstershop.ChargeResponse, error) {
	if t.key != "" {
		switch earlier, err := s.ledger.charged(t.key); {
		case err == nil && earlier.fingerprint == t.fingerprint:
			return s.repeated(ctx, earlier), nil
		case err == nil:
			return nil, s.notRecorded(ctx, errKeyReused)
		case !errors.Is(err, errUnknown):
			return nil, s.notRecorded(ctx, err)
		}
	}
	var declined refusal
	if !errors.As(why, &declined) {
		return nil, s.fail(ctx, codes.InvalidArgument, why)
	}
	s.payments.WithLabelValues(resultDeclined).Inc()
	s.log.WarnContext(ctx, "payment declined", "reason", why.Error(), "amount", money.Rounded(t.amount))
	return nil, shoperr.New(codes.InvalidArgument, why.Error(), shoperr.Payment, shoperr.CardDeclined, nil)
}

func (s *server) repeated(ctx context.Context, t transaction) *hipstershop.ChargeResponse {
	s.log.InfoContext(ctx, "payment repeated, not charged again", "transaction_id", t.id.String())
	return &hipstershop.ChargeResponse{TransactionId: t.id.String()}
}

// notRecorded returns the error of a charge that the ledger did not take.
func (s *server) notRecorded(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errKeyReused):
		return s.fail(ctx, codes.InvalidArgument, err)
	case errors.Is(err, errVoided):
		return s.fail(ctx, codes.FailedPrecondition, err)
	}
	return s.fail(ctx, codes.Unavailable, fmt.Errorf("charge not recorded: %w", err))
}

// fail counts and logs a call that failed for a reason other than the card.
func (s *server) fail(ctx context.Context, code codes.Code, err error) error {
	s.payments.WithLabelValues(resultError).Inc()
	s.log.WarnContext(ctx, "payment failed", "reason", err.Error())
	switch {
	case errors.Is(err, errKeyReused):
		return shoperr.New(code, err.Error(), shoperr.Payment, shoperr.IdempotencyKeyReused, nil)
	case errors.Is(err, errVoided):
		return shoperr.New(code, err.Error(), shoperr.Payment, shoperr.IdempotencyKeyVoided, nil)
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
