package checkout_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/eventually"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
	"github.com/shopctl/shopctl/services/checkout"
)

// openIn opens a shop whose checkout keeps its orders in a directory.
func openIn(t *testing.T, dir string) *shop { return openWith(t, map[string]string{"DATA_DIR": dir}) }

// replica starts another checkout on the same directory and dependencies.
func (s *shop) replica(t *testing.T) pb.CheckoutServiceClient {
	t.Helper()
	return pb.NewCheckoutServiceClient(chassistest.Start(t, checkout.Setup, s.env, chassistest.WithName("checkoutservice")).Conn())
}

// restart ends the checkout and starts it again.
func (s *shop) restart(t *testing.T) {
	t.Helper()
	if err := s.service.Stop(); err != nil {
		t.Fatal(err)
	}
	s.client = s.replica(t)
}

func (s *shop) fill(items ...*pb.CartItem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cart = items
}

func TestAKeyFindsItsOrderAfterARestartThoughTheCartIsEmpty(t *testing.T) {
	s := openIn(t, t.TempDir())
	first, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
	if err != nil {
		t.Fatal(err)
	}
	s.restart(t)
	again, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
	if err != nil || !proto.Equal(first, again) {
		t.Errorf("got %v, %v, want the first order", again, err)
	}
	s.wantCalls(t, "Charge 1 ShipOrder 1 SendOrderConfirmation 1")
}

func TestAKeyDoesNotOrderWhatIsNewInTheCart(t *testing.T) {
	for name, cart := range map[string][]*pb.CartItem{
		"something else": {{ProductId: "WATCH", Quantity: 1}},
		"the same again": {{ProductId: "MUG", Quantity: 2}, {ProductId: "WATCH", Quantity: 1}},
	} {
		s := openIn(t, t.TempDir())
		first, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // before and after a restart
			s.fill(cart...)
			_, err = s.client.PlaceOrder(keyed(t.Context(), "k"), order())
			reason, metadata, _ := shoperr.Find(err, shoperr.Checkout)
			if status.Code(err) != codes.AlreadyExists || reason != shoperr.OrderExists || metadata[shoperr.Order] != first.GetOrder().GetOrderId() {
				t.Errorf("%s: got %v, %v", name, err, metadata)
			}
			s.restart(t)
		}
		s.wantCalls(t, "Charge 1 ShipOrder 1 SendOrderConfirmation 1 EmptyCart 1")
	}
}

func TestACartThatWasNotEmptiedIsNotSomethingNew(t *testing.T) {
	s := openIn(t, t.TempDir())
	s.breakIt("EmptyCart", status.Error(codes.Internal, "stuck"))
	first, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order()); err != nil || !proto.Equal(first, again) {
		t.Errorf("got %v, %v, want the first order", again, err)
	}
	s.breakIt("EmptyCart", nil)
	eventually.True(t, "the cart is empty", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.cart) == 0
	})
}

func TestReplicasPlaceOneOrderForOneKey(t *testing.T) {
	s := openIn(t, t.TempDir())
	clients := []pb.CheckoutServiceClient{s.client, s.replica(t), s.replica(t)}
	var calls atomic.Int32
	s.fault["Charge"] = func(context.Context, int) error { // while it is under way, others come
		eventually.True(t, "all calls are made", func() bool { return calls.Load() == 12 })
		return nil
	}
	var wg sync.WaitGroup
	ids := make([]string, 12)
	for i := range ids {
		wg.Go(func() {
			calls.Add(1)
			resp, err := clients[i%len(clients)].PlaceOrder(keyed(t.Context(), "k"), order())
			if err != nil {
				t.Error(err)
			}
			ids[i] = resp.GetOrder().GetOrderId()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("one key placed %q", ids)
		}
	}
	s.wantCalls(t, "Charge 1 ShipOrder 1 SendOrderConfirmation 1")
}

func TestAnInterruptedOrderIsFinishedIfItWasCharged(t *testing.T) {
	for name, charged := range map[string]bool{"charged": true, "not charged": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			bought := &pb.OrderResult{
				ShippingAddress: order().GetAddress(), ShippingCost: eur(17, 980_000_000),
				Items: []*pb.OrderItem{{Item: &pb.CartItem{ProductId: "MUG", Quantity: 2}, Cost: eur(17, 980_000_000)}},
			}
			chargeKey, err := checkout.LeaveInterrupted(dir, "k", false, order(), bought)
			if err != nil {
				t.Fatal(err)
			}
			s := prepareShop(t)
			if charged {
				s.paid[chargeKey] = "transaction-1"
			}
			s.cart = []*pb.CartItem{{ProductId: "MUG", Quantity: 2}}
			s.start(t, map[string]string{"DATA_DIR": dir})
			resp, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
			if err != nil || resp.GetOrder().GetShippingTrackingId() == "" {
				t.Fatalf("got %v, %v", resp, err)
			}
			if charged {
				s.wantCalls(t, "Void 1 Charge 0 ShipOrder 1 SendOrderConfirmation 1 EmptyCart 1 Refund 0")
			} else {
				s.wantCalls(t, "Void 1 Charge 1 ShipOrder 1 SendOrderConfirmation 1 EmptyCart 1 Refund 0")
				if s.keys[0] == chargeKey {
					t.Error("charged with the key that was voided")
				}
			}
		})
	}
}

func TestWhatIsNotTriedAgainIsSettledInTheBackground(t *testing.T) {
	dir := t.TempDir()
	bought := &pb.OrderResult{ShippingCost: eur(17, 980_000_000), Items: []*pb.OrderItem{{Item: &pb.CartItem{ProductId: "MUG", Quantity: 2}, Cost: eur(17, 980_000_000)}}}
	s, keys := prepareShop(t), map[string]string{}
	for key, doubt := range map[string]bool{"doubt": true, "interrupted": false} {
		chargeKey, err := checkout.LeaveInterrupted(dir, key, doubt, order(), proto.CloneOf(bought))
		if err != nil {
			t.Fatal(err)
		}
		keys[key], s.paid[chargeKey] = chargeKey, "transaction of "+key
	}
	s.start(t, map[string]string{"DATA_DIR": dir})
	eventually.True(t, "the one is voided and the other placed", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.paid[keys["doubt"]] == "" && len(s.mails) == 1
	})
	s.wantCalls(t, "Void 2 Charge 0 ShipOrder 1 SendOrderConfirmation 1")
	if !strings.Contains(s.service.Logs(), "order placed") {
		t.Error("the log does not say that the interrupted order was placed")
	}
}

func TestAChargeWhoseResponseWasLostIsNotPaidTwice(t *testing.T) {
	s := openIn(t, t.TempDir())
	s.lose = true // the charge is made
	_, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
	if _, metadata, _ := shoperr.Find(err, shoperr.Checkout); metadata[shoperr.Outcome] != shoperr.OutcomeUnknown || !strings.Contains(err.Error(), "is not known") {
		t.Errorf("got %v", err)
	}
	s.lose = false
	s.restart(t)
	other := order() // and another card may pay now
	other.CreditCard.CreditCardNumber = "5555555555554444"
	if _, err := s.client.PlaceOrder(keyed(t.Context(), "k"), other); err != nil {
		t.Fatal(err)
	}
	s.wantCalls(t, "Charge 2 Void 1 ShipOrder 1")
	if len(s.paid) != 1 || s.paid[s.keys[0]] != "" {
		t.Errorf("charges that stand: %v", s.paid)
	}
}

func TestAMailAndARefundThatFailAreMadeLater(t *testing.T) {
	s := openIn(t, t.TempDir())
	s.breakIt("SendOrderConfirmation", status.Error(codes.Unavailable, "no stamps"))
	if _, err := s.client.PlaceOrder(keyed(t.Context(), "mail"), order()); err != nil {
		t.Fatal(err)
	}
	s.fill(&pb.CartItem{ProductId: "MUG", Quantity: 1})
	s.breakIt("ShipOrder", status.Error(codes.Internal, "lorry on fire"))
	s.breakIt("Refund", status.Error(codes.Internal, "till jammed"))
	if _, err := s.client.PlaceOrder(keyed(t.Context(), "refund"), order()); err == nil || !strings.Contains(err.Error(), "could not be refunded") {
		t.Errorf("got %v", err)
	}
	s.breakIt("SendOrderConfirmation", nil)
	s.breakIt("Refund", nil)
	eventually.True(t, "the mail is sent and the charge refunded", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.mails) == 1 && len(s.back) == 1
	})
}

func TestTheFirstOfManyOrdersIsRemembered(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	first, err := s.client.PlaceOrder(keyed(t.Context(), "first"), order())
	if err != nil {
		t.Fatal(err)
	}
	if err := checkout.PlaceMany(dir, 3000, order(), first.GetOrder()); err != nil {
		t.Fatal(err)
	}
	if again, err := s.client.PlaceOrder(keyed(t.Context(), "first"), order()); err != nil || !proto.Equal(first, again) {
		t.Errorf("got %v, %v, want the first order", again, err)
	}
}

func TestAnOrderThatCannotBeRecordedIsNotCharged(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	if err := checkout.Spoil(dir); err != nil {
		t.Fatal(err)
	}
	_, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
	if reason, _, _ := shoperr.Find(err, shoperr.Checkout); status.Code(err) != codes.Unavailable || reason != shoperr.JournalUnavailable {
		t.Errorf("got %v", err)
	}
	s.wantCalls(t, "Charge 0")
}
