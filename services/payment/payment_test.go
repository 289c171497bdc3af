package payment

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

func testServer(t *testing.T, limit int64) (*server, refunds) {
	t.Helper()
	return replica(t, "", limit)
}

// replica is a server over the ledger in a directory.
func replica(t *testing.T, dir string, limit int64) (*server, refunds) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	l, err := openLedger(dir, limit, today, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.close(context.Background()) })
	s, err := newServer(l, today, log, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return s, refunds{ledger: s.ledger, log: log}
}

func listed(t *testing.T, s *server) []transaction {
	t.Helper()
	all, err := s.ledger.list(uuid.Nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func order(units int64, nanos int32) *hipstershop.ChargeRequest {
	return &hipstershop.ChargeRequest{
		Amount:     &hipstershop.Money{CurrencyCode: "EUR", Units: units, Nanos: nanos},
		CreditCard: cardOf("4432801561520454"),
	}
}

// charge calls with an idempotency key, or without one if it is empty.
func charge(t *testing.T, s *server, key string, in *hipstershop.ChargeRequest) (string, error) {
	t.Helper()
	ctx := t.Context()
	if key != "" {
		ctx = metadata.NewIncomingContext(ctx, metadata.Pairs(chassis.IdempotencyKey, key))
	}
	out, err := s.Charge(ctx, in)
	return out.GetTransactionId(), err
}

func TestAChargeReturnsARandomUUID(t *testing.T) {
	s, _ := testServer(t, 10)
	first, err := charge(t, s, "", order(12, 0))
	if err != nil {
		t.Fatal(err)
	}
	second, err := charge(t, s, "", order(12, 0))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := uuid.Parse(first); err != nil || id.Version() != 4 || first == second {
		t.Errorf("got %q and %q, want two UUIDs of version 4", first, second)
	}
}

func TestAnImpossibleChargeIsAnInvalidArgument(t *testing.T) {
	s, _ := testServer(t, 10)
	for name, c := range map[string]struct {
		change func(*hipstershop.ChargeRequest)
		want   string
	}{
		"no amount":       {func(r *hipstershop.ChargeRequest) { r.Amount = nil }, "invalid amount: it is missing"},
		"no card":         {func(r *hipstershop.ChargeRequest) { r.CreditCard = nil }, "credit_card is missing"},
		"nothing":         {func(r *hipstershop.ChargeRequest) { r.Amount.Units = 0 }, "invalid amount: 0 EUR is not more than zero"},
		"negative":        {func(r *hipstershop.ChargeRequest) { r.Amount.Units = -5 }, "invalid amount: -5 EUR is not more than zero"},
		"no currency":     {func(r *hipstershop.ChargeRequest) { r.Amount.CurrencyCode = "" }, "it has no currency code"},
		"odd currency":    {func(r *hipstershop.ChargeRequest) { r.Amount.CurrencyCode = "4432801561520454" }, "its currency code is not three capital letters"},
		"small currency":  {func(r *hipstershop.ChargeRequest) { r.Amount.CurrencyCode = "eur" }, "its currency code is not three capital letters"},
		"too many nanos":  {func(r *hipstershop.ChargeRequest) { r.Amount.Nanos = 1_000_000_000 }, "nanos"},
		"different signs": {func(r *hipstershop.ChargeRequest) { r.Amount.Nanos = -1 }, "different signs"},
		"a crumb":         {func(r *hipstershop.ChargeRequest) { r.Amount.Units, r.Amount.Nanos = 0, 4_999_999 }, "invalid amount: 0.004999999 EUR is less than can be charged"},
		"expired":         {func(r *hipstershop.ChargeRequest) { r.CreditCard.CreditCardExpirationYear = 2020 }, "Your credit card (ending 0454) expired on 1/2020"},
		"empty number":    {func(r *hipstershop.ChargeRequest) { r.CreditCard.CreditCardNumber = "" }, "Credit card info is invalid"},
	} {
		in := order(1, 0)
		c.change(in)
		_, err := charge(t, s, "", in)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(status.Convert(err).Message(), c.want) {
			t.Errorf("%s: %v, want InvalidArgument with %q", name, err, c.want)
		}
	}
	if n := len(listed(t, s)); n != 0 {
		t.Errorf("%d charges were taken", n)
	}
}

func TestARepeatedChargeWithOneKeyIsOneCharge(t *testing.T) {
	s, _ := testServer(t, 10)
	first, err := charge(t, s, "k1", order(5, 0))
	if err != nil {
		t.Fatal(err)
	}
	// The card runs out in between: what was charged once is charged.
	s.inspector.now = func() time.Time { return today().AddDate(10, 0, 0) }
	if again, err := charge(t, s, "k1", order(5, 0)); err != nil || again != first {
		t.Errorf("the repeated charge is %q, %v, want %q", again, err, first)
	}
	s.inspector.now = today
	if other, err := charge(t, s, "k2", order(5, 0)); err != nil || other == first {
		t.Errorf("a charge with another key is %q, %v", other, err)
	}
	if n := len(listed(t, s)); n != 2 {
		t.Errorf("%d charges were taken, want 2", n)
	}
}

func TestAKeyBelongsToOneRequest(t *testing.T) {
	s, _ := testServer(t, 10)
	if _, err := charge(t, s, "k", order(5, 0)); err != nil {
		t.Fatal(err)
	}
	otherCard := order(5, 0)
	otherCard.CreditCard.CreditCardNumber = "5555555555554444"
	for name, in := range map[string]*hipstershop.ChargeRequest{"amount": order(6, 0), "card": otherCard, "empty": {}} {
		if _, err := charge(t, s, "k", in); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "idempotency-key was used before") {
			t.Errorf("another %s under the same key: %v", name, err)
		}
	}
}

func TestADeclinedCardLeavesTheKeyFree(t *testing.T) {
	s, _ := testServer(t, 10)
	bad := order(5, 0)
	bad.CreditCard.CreditCardExpirationYear = 2020
	if _, err := charge(t, s, "k", bad); err == nil {
		t.Fatal("an expired card was charged")
	}
	if _, err := charge(t, s, "k", order(5, 0)); err != nil {
		t.Error(err)
	}
}

func TestAKeyIsOneAndShort(t *testing.T) {
	s, _ := testServer(t, 10)
	if _, err := charge(t, s, strings.Repeat("k", 256), order(5, 0)); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a long key: %v", err)
	}
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs(chassis.IdempotencyKey, "a", chassis.IdempotencyKey, "b"))
	if _, err := s.Charge(ctx, order(5, 0)); status.Code(err) != codes.InvalidArgument {
		t.Errorf("two keys: %v", err)
	}
}

func TestManyCallsAtOnceWithOneKeyAreOneCharge(t *testing.T) {
	s, _ := testServer(t, 100)
	ids := make([]string, 32)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i], _ = charge(t, s, "k", order(5, 0)) })
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("got %q", ids)
		}
	}
	if n := len(listed(t, s)); n != 1 {
		t.Errorf("%d charges were taken, want 1", n)
	}
}

func TestWhoHasGivenUpIsNotCharged(t *testing.T) {
	s, _ := testServer(t, 10)
	ctx, giveUp := context.WithCancel(t.Context())
	giveUp()
	if out, err := s.Charge(ctx, order(12, 0)); status.Code(err) != codes.Canceled {
		t.Errorf("got %v, %v", out, err)
	}
	if kept := listed(t, s); len(kept) != 0 {
		t.Errorf("charged all the same: %v", kept)
	}
}

func TestAmountsAreLoggedInTheCurrencysMinorUnits(t *testing.T) {
	s, _ := testServer(t, 10)
	var log bytes.Buffer
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	in := order(0, 0)
	in.Amount = &hipstershop.Money{CurrencyCode: "JPY", Units: 153477, Nanos: 887_661_569}
	if _, err := charge(t, s, "", in); err != nil {
		t.Fatal(err)
	}
	if want := `amount="153478 JPY"`; !strings.Contains(log.String(), want) {
		t.Errorf("the log lacks %s: %s", want, log.String())
	}
}

func TestNoCardNumberReachesALogASpanOrAnError(t *testing.T) {
	sink := chassistest.NewSink(t)
	service := chassistest.Start(t, Setup, nil, chassistest.WithSink(sink))
	client, refunds := hipstershop.NewPaymentServiceClient(service.Conn()), shopv1.NewRefundsClient(service.Conn())
	var said bytes.Buffer
	calls := 0
	for _, number := range []string{"4432801561520454", "4432-8015-6152-0454", "4432801561520455", "378282246310005", "5555555555554444"} {
		for _, year := range []int32{2020, 9999} {
			in := order(7, 0)
			in.CreditCard.CreditCardNumber, in.CreditCard.CreditCardExpirationYear, in.CreditCard.CreditCardCvv = number, year, 672
			out, err := client.Charge(t.Context(), in)
			fmt.Fprintln(&said, out, err)
			calls++
			if err == nil {
				refund, err := refunds.Refund(t.Context(), &shopv1.RefundRequest{TransactionId: out.GetTransactionId(), Reason: "card " + number})
				fmt.Fprintln(&said, refund, err)
				calls++
			}
		}
	}
	list, err := refunds.ListTransactions(t.Context(), &shopv1.ListTransactionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&said, list)
	for _, span := range sink.Wait(t, func(spans []chassistest.Span) bool { return len(spans) >= calls }) {
		fmt.Fprintln(&said, span.Span)
	}
	everything := said.String() + service.Logs()
	for _, digits := range []string{"443280156152", "4432-8015", "37828224631", "555555555555", "672"} {
		if strings.Contains(strings.ReplaceAll(everything, "\\", ""), digits) && !onlyInIDs(everything, digits) {
			t.Errorf("%q was told:\n%s", digits, everything)
		}
	}
	if !strings.Contains(everything, "0454") {
		t.Error("not even the last four digits were told")
	}
}

// onlyInIDs reports whether short digits are part of longer words only, as they may in random ids and times.
func onlyInIDs(text, digits string) bool {
	if len(digits) > 3 {
		return false
	}
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" \n\t\":,{}[]", c) }) {
		if word == digits {
			return false
		}
	}
	return true
}

func TestPaymentsAreCountedByWhatBecameOfThem(t *testing.T) {
	service := chassistest.Start(t, Setup, nil)
	client := hipstershop.NewPaymentServiceClient(service.Conn())
	counts := func() string {
		defer http.DefaultClient.CloseIdleConnections()
		response, err := http.Get("http://" + service.Admin + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for line := range strings.Lines(string(body)) {
			if rest, ok := strings.CutPrefix(line, "shop_payments_total"); ok {
				found = append(found, strings.TrimSpace(rest))
			}
		}
		return strings.Join(found, " ")
	}
	if got, want := counts(), `{result="declined"} 0 {result="error"} 0 {result="success"} 0`; got != want {
		t.Errorf("before the first: %s, want %s", got, want)
	}
	good, expired := order(7, 0), order(7, 0)
	good.CreditCard.CreditCardExpirationYear = 9999
	expired.CreditCard.CreditCardExpirationYear = 2020
	ctx := metadata.AppendToOutgoingContext(t.Context(), chassis.IdempotencyKey, "k")
	_, _ = client.Charge(ctx, good)
	_, _ = client.Charge(ctx, good)
	_, _ = client.Charge(t.Context(), good)
	_, _ = client.Charge(t.Context(), expired)
	_, _ = client.Charge(t.Context(), &hipstershop.ChargeRequest{})
	if got, want := counts(), `{result="declined"} 1 {result="error"} 1 {result="success"} 2`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func BenchmarkCharge(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	l, err := openLedger(b.TempDir(), ledgerLimit, today, log)
	if err != nil {
		b.Fatal(err)
	}
	s, err := newServer(l, today, log, prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	in := order(7, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Charge(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}
