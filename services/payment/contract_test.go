package payment

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

func TestARefusalCarriesItsReason(t *testing.T) {
	s, _ := testServer(t, 10)
	if _, err := charge(t, s, "k", order(5, 0)); err != nil {
		t.Fatal(err)
	}
	declined := order(5, 0)
	declined.CreditCard.CreditCardNumber = "4111111111111112"
	for _, c := range []struct {
		key  string
		in   *hipstershop.ChargeRequest
		want string
	}{
		{"k", order(6, 0), shoperr.IdempotencyKeyReused},
		{"", declined, shoperr.CardDeclined},
		{"", order(-5, 0), shoperr.InvalidRequest},
	} {
		_, err := charge(t, s, c.key, c.in)
		if reason, _, _ := shoperr.Find(err, shoperr.Payment); reason != c.want || status.Code(err) != codes.InvalidArgument {
			t.Errorf("got %q in %v, want %q", reason, err, c.want)
		}
	}
}

func TestAChargeAndItsRefundAreRecordedOnTheirSpansOnce(t *testing.T) {
	sink := chassistest.NewSink(t)
	service := chassistest.Start(t, Setup, nil, chassistest.WithSink(sink))
	paid, err := hipstershop.NewPaymentServiceClient(service.Conn()).Charge(t.Context(), order(5, 250_000_000))
	if err != nil {
		t.Fatal(err)
	}
	refunds := shopv1.NewRefundsClient(service.Conn())
	for range 2 {
		if _, err := refunds.Refund(t.Context(), &shopv1.RefundRequest{TransactionId: paid.GetTransactionId()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := service.Stop(); err != nil {
		t.Fatal(err)
	}
	events := map[string]int{}
	for _, span := range sink.Wait(t, func(spans []chassistest.Span) bool { return len(spans) == 3 }) {
		if event := span.Attr(shopv1.AttrAudit); event != "" {
			events[event+" "+span.Attr(shopv1.AttrAmount)]++
			if span.Attr(shopv1.AttrTransaction) != paid.GetTransactionId() {
				t.Errorf("%s names the transaction %q", event, span.Attr(shopv1.AttrTransaction))
			}
		}
	}
	if len(events) != 2 || events["charged 5.25 EUR"] != 1 || events["refunded 5.25 EUR"] != 1 {
		t.Errorf("got %v", events)
	}
}
