package payment

import (
	"context"
	"log/slog"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// maxReason is how much of a refund's reason is logged, in bytes.
const maxReason = 200

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
	if err != nil {
		return nil, status.Errorf(codes.NotFound, "%v: %s is not among the latest %d", err, id, r.ledger.limit)
	}
	if first {
		trace.SpanFromContext(ctx).SetAttributes(
			attribute.String(shopv1.AttrAudit, shopv1.AuditRefunded), attribute.String(shopv1.AttrTransaction, id.String()),
			attribute.String(shopv1.AttrAmount, money.Rounded(t.amount())))
		r.log.InfoContext(ctx, shopv1.LogRefunded, "transaction_id", id.String(), "refund_id", refund.String(),
			"amount", money.Rounded(t.amount()), "reason", oneLine(maskCards(in.GetReason())))
	}
	return &shopv1.RefundResponse{RefundId: t.refund.String(), Amount: t.amount()}, nil
}

// ListTransactions lists the charges that are remembered.
func (r refunds) ListTransactions(context.Context, *shopv1.ListTransactionsRequest) (*shopv1.ListTransactionsResponse, error) {
	out := &shopv1.ListTransactionsResponse{}
	for _, t := range r.ledger.list() {
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
