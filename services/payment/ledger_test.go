package payment

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

func TestReplicasChargeAKeyOnce(t *testing.T) {
	dir := t.TempDir()
	first, _ := replica(t, dir, 100)
	second, refunds := replica(t, dir, 100)
	var wg sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		wg.Go(func() {
			s := first
			if i%2 == 1 {
				s = second
			}
			ids[i], _ = charge(t, s, "k", order(5, 0))
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("one key charged %q", ids)
		}
	}
	if _, err := charge(t, second, "k", order(6, 0)); status.Code(err) != codes.InvalidArgument {
		t.Errorf("another amount under the key, at the other replica: %v", err)
	}
	other, err := charge(t, first, "other", order(7, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := refunds.Refund(t.Context(), &shopv1.RefundRequest{TransactionId: other}); err != nil {
		t.Errorf("a charge of the other replica cannot be refunded: %v", err)
	}
	if list, err := refunds.ListTransactions(t.Context(), &shopv1.ListTransactionsRequest{}); err != nil || len(list.GetTransactions()) != 2 {
		t.Errorf("got %v, %v, want the charges of both", list, err)
	}
}

func TestChargesOutliveARestart(t *testing.T) {
	env := map[string]string{"DATA_DIR": t.TempDir()}
	service := chassistest.Start(t, Setup, env)
	first, err := hipstershop.NewPaymentServiceClient(service.Conn()).Charge(keyed(t, "k"), order(5, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Stop(); err != nil {
		t.Fatal(err)
	}
	service = chassistest.Start(t, Setup, env)
	again, err := hipstershop.NewPaymentServiceClient(service.Conn()).Charge(keyed(t, "k"), order(5, 0))
	if err != nil || again.GetTransactionId() != first.GetTransactionId() {
		t.Errorf("the key charges %v, %v, want %v", again, err, first)
	}
	refund := &shopv1.RefundRequest{TransactionId: first.GetTransactionId()}
	if _, err := shopv1.NewRefundsClient(service.Conn()).Refund(t.Context(), refund); err != nil {
		t.Error(err)
	}
}

func TestAVoidedKeyChargesNothing(t *testing.T) {
	s, r := testServer(t, 10)
	void := func(key string, keep bool) *shopv1.Transaction {
		t.Helper()
		out, err := r.Void(t.Context(), &shopv1.VoidRequest{IdempotencyKey: key, KeepCharge: keep, Reason: "the checkout was killed"})
		if err != nil {
			t.Fatal(err)
		}
		return out.GetTransaction()
	}
	charged, err := charge(t, s, "charged", order(5, 0))
	if err != nil {
		t.Fatal(err)
	}
	if got := void("charged", true); got.GetTransactionId() != charged || got.GetRefundId() != "" {
		t.Errorf("a charge to keep: %v", got)
	}
	if again, err := charge(t, s, "charged", order(5, 0)); err != nil || again != charged {
		t.Errorf("the kept charge repeated: %v, %v", again, err)
	}
	if got := void("charged", false); got.GetTransactionId() != charged || got.GetRefundId() == "" {
		t.Errorf("a charge to refund: %v", got)
	}
	for _, keep := range []bool{false, true} {
		if got := void(fmt.Sprint("late", keep), keep); got != nil {
			t.Errorf("a key that has not charged: %v", got)
		}
	}
	for _, key := range []string{"charged", "latefalse", "latetrue"} {
		_, err := charge(t, s, key, order(5, 0))
		if reason, _, _ := shoperr.Find(err, shoperr.Payment); reason != shoperr.IdempotencyKeyVoided || status.Code(err) != codes.FailedPrecondition {
			t.Errorf("%s charges after it was voided: %v", key, err)
		}
	}
	if got := void("charged", false); got != nil {
		t.Errorf("voided twice: %v", got)
	}
	if _, err := r.Void(t.Context(), &shopv1.VoidRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("no key: %v", err)
	}
}

func TestALongListComesInParts(t *testing.T) {
	s, r := testServer(t, 10)
	var ids []string
	for range 3 {
		id, err := charge(t, s, "", order(5, 0))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	rest, err := r.ListTransactions(t.Context(), &shopv1.ListTransactionsRequest{After: ids[0]})
	if err != nil || len(rest.GetTransactions()) != 2 || rest.GetTransactions()[0].GetTransactionId() != ids[1] || rest.GetMore() {
		t.Errorf("after the first: %v, %v", rest, err)
	}
	for after, want := range map[string]codes.Code{"x": codes.InvalidArgument, "3dbf28c3-0b5e-4b6b-9c5e-8c1a4bd2d3a1": codes.NotFound} {
		if _, err := r.ListTransactions(t.Context(), &shopv1.ListTransactionsRequest{After: after}); status.Code(err) != want {
			t.Errorf("after %s: %v, want %v", after, err, want)
		}
	}
}

func TestNoFileHoldsACard(t *testing.T) {
	dir := t.TempDir()
	s, _ := replica(t, dir, 10)
	if _, err := charge(t, s, "k", order(5, 0)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || bytes.Contains(data, []byte("443280")) {
			t.Errorf("%s holds the card, %v", file, err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v, %v", file, info.Mode(), err)
		}
	}
}

func TestAnUnreadableLedgerIsKeptAndPaymentStarts(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ledger.db"), []byte(strings.Repeat("garbage", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	service := chassistest.Start(t, Setup, map[string]string{"DATA_DIR": dir})
	if _, err := hipstershop.NewPaymentServiceClient(service.Conn()).Charge(t.Context(), order(5, 0)); err != nil {
		t.Error(err)
	}
	if kept, err := filepath.Glob(filepath.Join(dir, "ledger.db.corrupt-*")); err != nil || len(kept) != 1 || !strings.Contains(service.Logs(), kept[0]) {
		t.Errorf("kept %v, %v; the log: %s", kept, err, service.Logs())
	}
}

func TestAChargeIsOfWholeSmallestUnits(t *testing.T) {
	s, r := testServer(t, 10)
	for _, amount := range []*hipstershop.Money{
		{CurrencyCode: "EUR", Units: 58, Nanos: 345_864_663},
		{CurrencyCode: "JPY", Units: 7374, Nanos: 917_293_403},
		{CurrencyCode: "KWD", Units: 1, Nanos: 999_500_000},
	} {
		in := order(0, 0)
		in.Amount = amount
		if _, err := charge(t, s, "", in); err != nil {
			t.Fatal(err)
		}
	}
	list, err := r.ListTransactions(t.Context(), &shopv1.ListTransactionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, transaction := range list.GetTransactions() {
		got = append(got, money.Decimal(transaction.GetAmount()))
	}
	if want := []string{"58.35 EUR", "7375 JPY", "2 KWD"}; !slices.Equal(got, want) {
		t.Errorf("the ledger has %v, want %v", got, want)
	}
}

func keyed(t *testing.T, key string) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), chassis.IdempotencyKey, key)
}
