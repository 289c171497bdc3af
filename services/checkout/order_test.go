package checkout_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/services/checkout"
)

func eur(units int64, nanos int32) *pb.Money {
	return &pb.Money{CurrencyCode: "EUR", Units: units, Nanos: nanos}
}

func TestAnOrderIsChargedShippedConfirmedAndLeavesTheCartEmpty(t *testing.T) {
	s := open(t)
	resp, err := s.client.PlaceOrder(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	want := &pb.OrderResult{
		OrderId: resp.GetOrder().GetOrderId(), ShippingTrackingId: "UT-44031-220429634",
		ShippingCost: eur(17, 980_000_000), ShippingAddress: order().GetAddress(),
		Items: []*pb.OrderItem{
			{Item: &pb.CartItem{ProductId: "MUG", Quantity: 2}, Cost: eur(17, 980_000_000)},
			{Item: &pb.CartItem{ProductId: "WATCH", Quantity: 1}, Cost: eur(219, 980_000_000)},
		},
	}
	if diff := cmp.Diff(want, resp.GetOrder(), protocmp.Transform()); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if id, err := uuid.Parse(want.OrderId); err != nil || id.Version() != 1 {
		t.Errorf("order id %s is no UUID of version 1", want.OrderId)
	}
	if got := money.Decimal(s.taken); got != "273.92 EUR" {
		t.Errorf("charged %s, want 2 x 17.98 + 219.98 + 17.98", got)
	}
	if len(s.mails) != 1 || s.mails[0].GetEmail() != "someone@example.com" || !proto.Equal(s.mails[0].GetOrder(), want) {
		t.Errorf("mails: %v", s.mails)
	}
	if len(s.cart) != 0 {
		t.Errorf("the cart still holds %v", s.cart)
	}
	if len(s.keys) != 1 || s.keys[0] != want.OrderId {
		t.Errorf("charged with keys %v, want the order's id", s.keys)
	}
	s.wantCalls(t, "GetCart 1 GetProduct 2 Convert 3 GetQuote 1 Charge 1 ShipOrder 1 EmptyCart 1 SendOrderConfirmation 1 Refund 0")
}

func TestWhatCannotBeOrderedIsRefusedBeforeAnyCall(t *testing.T) {
	s := open(t)
	for name, c := range map[string]struct {
		change func(*pb.PlaceOrderRequest)
		want   string
	}{
		"no user":          {func(r *pb.PlaceOrderRequest) { r.UserId = "" }, "user_id"},
		"no currency":      {func(r *pb.PlaceOrderRequest) { r.UserCurrency = "" }, "user_currency"},
		"a small currency": {func(r *pb.PlaceOrderRequest) { r.UserCurrency = "eur" }, "user_currency"},
		"an odd currency":  {func(r *pb.PlaceOrderRequest) { r.UserCurrency = "%d%s!" }, "user_currency"},
		"no address":       {func(r *pb.PlaceOrderRequest) { r.Address = nil }, "address"},
		"an empty address": {func(r *pb.PlaceOrderRequest) { r.Address = &pb.Address{} }, "address"},
		"no email":         {func(r *pb.PlaceOrderRequest) { r.Email = "" }, "email"},
		"no such email":    {func(r *pb.PlaceOrderRequest) { r.Email = "someone" }, "email"},
		"a sly email":      {func(r *pb.PlaceOrderRequest) { r.Email = "a@example.com\nBcc: b@example.com" }, "email"},
		"a named email":    {func(r *pb.PlaceOrderRequest) { r.Email = "A <a@example.com>" }, "email"},
		"an endless email": {func(r *pb.PlaceOrderRequest) { r.Email = strings.Repeat("a", 250) + "@b.de" }, "email"},
		"no card":          {func(r *pb.PlaceOrderRequest) { r.CreditCard = nil }, "credit_card"},
		"no card number":   {func(r *pb.PlaceOrderRequest) { r.CreditCard.CreditCardNumber = "" }, "credit_card"},
	} {
		req := order()
		c.change(req)
		_, err := s.client.PlaceOrder(t.Context(), req)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want INVALID_ARGUMENT about %s", name, err, c.want)
		}
	}
	if len(s.calls) > 0 {
		t.Errorf("the dependencies were called: %v", s.calls)
	}
}

func TestAnEmptyCartIsNotAnOrder(t *testing.T) {
	s := open(t)
	s.cart = nil
	_, err := s.client.PlaceOrder(t.Context(), order())
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "cart is empty") {
		t.Errorf("got %v", err)
	}
	s.wantCalls(t, "GetCart 1 GetQuote 0 Charge 0 SendOrderConfirmation 0")
}

func TestANegativeQuantityIsNotAnOrder(t *testing.T) {
	s := open(t)
	for _, quantity := range []int32{0, -1, math.MinInt32} {
		s.cart = []*pb.CartItem{{ProductId: "MUG", Quantity: quantity}}
		if _, err := s.client.PlaceOrder(t.Context(), order()); status.Code(err) != codes.FailedPrecondition {
			t.Errorf("quantity %d gives %v", quantity, err)
		}
	}
	s.wantCalls(t, "Charge 0")
}

func TestAHugeQuantityCostsNoTime(t *testing.T) {
	s := open(t)
	s.cart = []*pb.CartItem{{ProductId: "MUG", Quantity: math.MaxInt32}}
	if _, err := s.client.PlaceOrder(t.Context(), order()); err != nil {
		t.Fatal(err)
	}
	if got := money.Decimal(s.taken); got != "38611755991.04 EUR" { // 17.98 * 2147483647 + 17.98
		t.Errorf("charged %s", got)
	}
}

func TestATotalThatNoAmountCanHoldIsRefused(t *testing.T) {
	s := open(t)
	s.price["MUG"] = usd(math.MaxInt64/2, 0)
	s.cart = []*pb.CartItem{{ProductId: "MUG", Quantity: 1000}}
	if _, err := s.client.PlaceOrder(t.Context(), order()); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
	s.wantCalls(t, "Charge 0")
}

func TestABigCartIsPreparedInOrder(t *testing.T) {
	s := open(t)
	s.cart = nil
	for i := range 100 {
		id := strings.Repeat("P", i+1)
		s.price[id] = usd(int64(i), 10_000_000)
		s.cart = append(s.cart, &pb.CartItem{ProductId: id, Quantity: 1})
	}
	resp, err := s.client.PlaceOrder(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	for i, item := range resp.GetOrder().GetItems() {
		if len(item.GetItem().GetProductId()) != i+1 || item.GetCost().GetUnits() != int64(2*i) {
			t.Fatalf("item %d is %v", i, item)
		}
	}
	if got := money.Decimal(s.taken); got != "9919.98 EUR" { // 2 * (4950 + 100 * 0.01 + 8.99)
		t.Errorf("charged %s", got)
	}
}

func TestAnInvalidConversionIsRejected(t *testing.T) {
	for name, converted := range map[string]*pb.Money{
		"nothing, as the original says of what it does not know": {CurrencyCode: "EUR"},
		"another currency": {CurrencyCode: "USD", Units: 1},
		"no currency":      {Units: 1},
		"mixed signs":      {CurrencyCode: "EUR", Units: 1, Nanos: -1},
	} {
		t.Run(name, func(t *testing.T) {
			odd := chassistest.Start(t, func(_ context.Context, rt *chassis.Runtime) error {
				pb.RegisterCurrencyServiceServer(rt.Server(), fixedCurrency{answer: converted})
				return nil
			}, nil)
			s := openWith(t, map[string]string{"CURRENCY_SERVICE_ADDR": odd.Addr})
			if _, err := s.client.PlaceOrder(t.Context(), order()); err == nil || !strings.Contains(err.Error(), "convert") {
				t.Errorf("got %v", err)
			}
			s.wantCalls(t, "Charge 0")
		})
	}
}

type fixedCurrency struct {
	pb.UnimplementedCurrencyServiceServer
	answer *pb.Money
}

func (f fixedCurrency) Convert(context.Context, *pb.CurrencyConversionRequest) (*pb.Money, error) {
	return f.answer, nil
}

func TestPricesOfAMomentAgoAreNotRequestedAgain(t *testing.T) {
	s := openWith(t, map[string]string{"PRICE_TTL": "1h"})
	for range 3 {
		s.mu.Lock()
		s.cart = []*pb.CartItem{{ProductId: "MUG", Quantity: 1}}
		s.mu.Unlock()
		if _, err := s.client.PlaceOrder(t.Context(), order()); err != nil {
			t.Fatal(err)
		}
	}
	s.wantCalls(t, "GetCart 3 GetProduct 1 Convert 2 GetQuote 3 Charge 3 ShipOrder 3")
	other := order()
	other.UserCurrency = "USD"
	s.cart = []*pb.CartItem{{ProductId: "MUG", Quantity: 1}}
	if _, err := s.client.PlaceOrder(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if got := money.Decimal(s.taken); got != "17.98 USD" {
		t.Errorf("charged %s, want the price in the other currency", got)
	}
}

func TestCheckoutNeedsAllItsDependencies(t *testing.T) {
	addrs := map[string]string{}
	for _, name := range []string{"CART", "PRODUCT_CATALOG", "CURRENCY", "SHIPPING", "PAYMENT", "EMAIL"} {
		addrs[name+"_SERVICE_ADDR"] = "127.0.0.1:1"
	}
	for missing := range addrs {
		err := chassis.Run(t.Context(), chassis.Options{
			Name: "checkout", Workload: "checkoutservice", Stdout: discard{}, Getenv: func(key string) string {
				if key == missing {
					return ""
				}
				return addrs[key]
			},
		}, checkout.Setup)
		if err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s it says %v", missing, err)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
