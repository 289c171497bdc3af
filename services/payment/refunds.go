package payment

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

const (
	// maxReason is how much of a refund's reason is logged, in bytes.
	maxReason = 200
	// listLimit is how many transactions are in one list, which keeps it below gRPC's 4 MB for a message.
	listLimit = 20_000
)

type refunds struct {
	shopv1.UnimplementedRefundsServer
	ledger *ledger
	log    *slog.Logger
}

// Refund refunds a charge.
func (r refunds) Refund(ctx context.Context, in *shopv1.RefundRequest) (*shopv1.RefundResponse, error) {
	if in.GetTransactionId() == "" {
		return nil, status.Error(codes.InvalidArgument, "transaction_id is missing")
	}
	id, err := uuid.Parse(in.GetTransactionId())
	if err != nil {
		return nil, status.Error(codes.NotFound, errUnknown.Error())
	}
	refund, err := uuid.NewRandom()
	if err != nil {
		return nil, status.Errorf(codes.Internal, "make refund id: %v", err)
	}
	t, first, err := r.ledger.refund(id, refund)
	switch {
	case errors.Is(err, errUnknown):
		return nil, status.Errorf(codes.NotFound, "%v: %s is not among the latest %d", err, id, r.ledger.limit)
	case err != nil:
		return nil, status.Errorf(codes.Unavailable, "not refunded: %v", err)
	case first:
		r.record(ctx, t, in.GetReason())
	}
	return &shopv1.RefundResponse{RefundId: t.refund.String(), Amount: t.amount}, nil
}

// Void bars a key from charging, and refunds what it has charged.
func (r refunds) Void(ctx context.Context, in *shopv1.VoidRequest) (*shopv1.VoidResponse, error) {
	key := in.GetIdempotencyKey()
	if key == "" {
		return nil, status.Error(codes.InvalidArgument, "idempotency_key is missing: that of the charge to void")
	}
	refund, err := uuid.NewRandom()
	if err != nil {
		return nil, status.Errorf(codes.Internal, "make refund id: %v", err)
	}
	t, charged, err := r.ledger.void(key, in.GetKeepCharge(), refund)
	switch {
	case err != nil:
		return nil, status.Errorf(codes.Unavailable, "not voided: %v", err)
	case !charged:
		return &shopv1.VoidResponse{}, nil
	case t.refund != uuid.Nil:
		r.record(ctx, t, in.GetReason())
	}
	return &shopv1.VoidResponse{Transaction: t.message()}, nil
}

// record records a refund.
func (r refunds) record(ctx context.Context, t transaction, reason string) {
	id, amount := t.id.String(), money.Rounded(t.amount)
	trace.SpanFromContext(ctx).SetAttributes(
		attribute.String(shopv1.AttrAudit, shopv1.AuditRefunded), attribute.String(shopv1.AttrTransaction, id),
		attribute.String(shopv1.AttrAmount, amount))
	r.log.Log(ctx, chassis.LevelAudit, shopv1.LogRefunded, "transaction_id", id, "refund_id", t.refund.String(),
		"amount", amount, "reason", oneLine(maskCards(reason)))
}

// ListTransactions lists the charges that are kept.
func (r refunds) ListTransactions(_ context.Context, in *shopv1.ListTransactionsRequest) (*shopv1.ListTransactionsResponse, error) {
	after := uuid.Nil
	if in.GetAfter() != "" {
		var err error
		if after, err = uuid.Parse(in.GetAfter()); err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "after is %.64q: want the id of a transaction", in.GetAfter())
		}
	}
	all, err := r.ledger.list(after, listLimit+1)
	switch {
	case errors.Is(err, errUnknown):
		return nil, status.Errorf(codes.NotFound, "%v: %s is not among the latest %d", err, after, r.ledger.limit)
	case err != nil:
		return nil, status.Errorf(codes.Unavailable, "%v", err)
	}
	out := &shopv1.ListTransactionsResponse{More: len(all) > listLimit}
	for _, t := range all[:min(len(all), listLimit)] {
		out.Transactions = append(out.Transactions, t.message())
	}
	return out, nil
}

// oneLine prepares a text for a log line: no control characters, bounded length.
func oneLine(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, text)
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "..."
	}
	return text
}

// maskCards masks all but the last four of any 12 or more digits in a row, also with single spaces or dashes between
// them.
func maskCards(text string) string {
	masked := []byte(text)
	for start := 0; start < len(masked); start++ {
		if !isDigit(masked[start]) {
			continue
		}
		positions := []int{start}
		for i := start + 1; i < len(masked); i++ {
			if isDigit(masked[i]) {
				positions = append(positions, i)
			} else if masked[i] != ' ' && masked[i] != '-' || i+1 == len(masked) || !isDigit(masked[i+1]) {
				break
			}
		}
		if len(positions) >= 12 {
			for _, i := range positions[:len(positions)-4] {
				masked[i] = '*'
			}
		}
		start = positions[len(positions)-1]
	}
	return string(masked)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
