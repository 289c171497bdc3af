package payment

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

func TestAChargeIsRefundedOnce(t *testing.T) {
	s, r := testServer(t, 10)
	id, err := charge(t, s, "", order(5, 250_000_000))
	if err != nil {
		t.Fatal(err)
	}
	first, err := r.Refund(t.Context(), &shopv1.RefundRequest{TransactionId: id, Reason: "shipping failed"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Refund(t.Context(), &shopv1.RefundRequest{TransactionId: id})
	if err != nil || again.GetRefundId() != first.GetRefundId() || money.Decimal(again.GetAmount()) != "5.25 EUR" {
		t.Errorf("got %v, then %v and %v", first, again, err)
	}
	list, err := r.ListTransactions(t.Context(), &shopv1.ListTransactionsRequest{})
	if err != nil || len(list.GetTransactions()) != 1 {
		t.Fatalf("got %v, %v", list, err)
	}
	if got := list.GetTransactions()[0]; got.GetRefundId() != first.GetRefundId() || got.GetCardLastFour() != "0454" || got.GetTransactionId() != id {
		t.Errorf("got %v", got)
	}
}

func TestARefundOfNothingSaysSo(t *testing.T) {
	_, r := testServer(t, 10)
	for id, want := range map[string]codes.Code{"": codes.InvalidArgument, "x": codes.NotFound, uuid.NewString(): codes.NotFound} {
		if _, err := r.Refund(t.Context(), &shopv1.RefundRequest{TransactionId: id}); status.Code(err) != want {
			t.Errorf("refund %q: %v, want %v", id, err, want)
		}
	}
}

func TestTheLedgerKeepsTheLatestAndNoMore(t *testing.T) {
	s, r := testServer(t, 3)
	var ids []string
	for i := range 5 {
		id, err := charge(t, s, fmt.Sprint("k", i), order(int64(i)+1, 0))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	list, err := r.ListTransactions(t.Context(), &shopv1.ListTransactionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range list.GetTransactions() {
		if got.GetTransactionId() != ids[i+2] {
			t.Errorf("transaction %d of the list is not the latest but %d", i, len(ids)-i)
		}
	}
	if n, kept := len(list.GetTransactions()), len(listed(t, s)); n != 3 || kept != 3 {
		t.Errorf("%d of %d charges are listed, want 3 of 3", n, kept)
	}
	if _, err := r.Refund(t.Context(), &shopv1.RefundRequest{TransactionId: ids[1]}); status.Code(err) != codes.NotFound {
		t.Errorf("a forgotten charge: %v", err)
	}
	if _, err := r.Refund(t.Context(), &shopv1.RefundRequest{TransactionId: ids[2]}); err != nil {
		t.Error(err)
	}
}

func TestReasonsAreLoggedWithoutCardNumbersOnOneLine(t *testing.T) {
	for reason, want := range map[string]string{
		"shipping failed":                  "shipping failed",
		"card 4432801561520454 declined":   "card ************0454 declined",
		"card 4432-8015-6152-0454":         "card ****-****-****-0454",
		"4432 8015 6152 0454":              "**** **** **** 0454",
		"order 12345, 67890 and 12345":     "order 12345, 67890 and 12345",
		"on\nmore\tlines":                  "on more lines",
		"12345678901 is short, 1-2-3 too-": "12345678901 is short, 1-2-3 too-",
	} {
		if got := oneLine(maskCards(reason)); got != want {
			t.Errorf("%q became %q, want %q", reason, got, want)
		}
	}
	if got := oneLine(strings.Repeat("ü", 500)); len(got) > maxReason+len("...") {
		t.Errorf("%d bytes are left", len(got))
	}
}

func TestARefundedChargePaysForNothingMore(t *testing.T) {
	s, r := testServer(t, 2)
	first, err := charge(t, s, "k", order(5, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Refund(t.Context(), &shopv1.RefundRequest{TransactionId: first}); err != nil {
		t.Fatal(err)
	}
	second, err := charge(t, s, "k", order(5, 0))
	if err != nil || second == first {
		t.Fatalf("the same key charges %s again, which was refunded: %v", second, err)
	}
	// The refunded one is dropped; the key stays with the charge that stands.
	if _, err := charge(t, s, "other", order(5, 0)); err != nil {
		t.Fatal(err)
	}
	if again, err := charge(t, s, "k", order(5, 0)); err != nil || again != second {
		t.Errorf("got %s, %v, want the charge that stands, %s", again, err, second)
	}
}
