package checkout_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/eventually"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
	"github.com/shopctl/shopctl/services/checkout"
)

type shipments struct {
	shopv1.UnimplementedShipmentsServer
	*shop
}

func (s shipments) CancelShipment(ctx context.Context, req *shopv1.CancelShipmentRequest) (*shopv1.CancelShipmentResponse, error) {
	if err := s.enter(ctx, "CancelShipment"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent[req.GetIdempotencyKey()] = false
	return &shopv1.CancelShipmentResponse{}, nil
}

func keyOf(ctx context.Context) string {
	return strings.Join(metadata.ValueFromIncomingContext(ctx, "idempotency-key"), ",")
}

func (s *shop) orders() shopv1.OrdersClient { return shopv1.NewOrdersClient(s.service.Conn()) }

// get returns an order as "COMPLETED: reserve, charge, ship", with a "!" behind steps that failed, and how often if more than once.
func (s *shop) get(t *testing.T, id string) (*shopv1.Order, string) {
	t.Helper()
	order, err := s.orders().GetOrder(t.Context(), &shopv1.GetOrderRequest{OrderId: id})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, step := range order.GetSteps() {
		name := step.GetName()
		if step.GetFailed() {
			name += "!"
		}
		if step.GetAttempts() > 1 {
			name += fmt.Sprint(step.GetAttempts())
		}
		names = append(names, name)
	}
	return order, order.GetState().String() + ": " + strings.Join(names, ", ")
}

func (s *shop) wantOrder(t *testing.T, id, want string) *shopv1.Order {
	t.Helper()
	order, got := s.get(t, id)
	// The last two steps are made at the same time.
	if got != want && got != strings.Replace(want, "empty cart, confirm", "confirm, empty cart", 1) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	return order
}

// idOf is the order that an error names.
func idOf(t *testing.T, err error) string {
	t.Helper()
	_, details, _ := shoperr.Find(err, shoperr.Checkout)
	if details[shoperr.Order] == "" {
		t.Fatalf("%v names no order", err)
	}
	return details[shoperr.Order]
}

func TestAnOrderTellsItsSteps(t *testing.T) {
	s := openIn(t, t.TempDir())
	placed, err := s.client.PlaceOrder(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // before and after a restart
		got := s.wantOrder(t, placed.GetOrder().GetOrderId(), "COMPLETED: reserve, charge, ship, empty cart, confirm")
		if got.GetTransactionId() == "" || got.GetTrackingId() != placed.GetOrder().GetShippingTrackingId() || got.GetTotal().GetUnits() != 273 || len(got.GetTraceId()) != 32 ||
			len(got.GetStepsLeft()) != 0 || got.GetSteps()[2].GetKind() != shopv1.StepKind_PIVOT || got.GetDeadline().AsTime().Sub(got.GetCreated().AsTime()).Minutes() != 2 {
			t.Errorf("got %v", got)
		}
		if err := s.service.Stop(); err != nil {
			t.Fatal(err)
		}
		s.start(t, nil)
	}
	list, err := s.orders().ListOrders(t.Context(), &shopv1.ListOrdersRequest{})
	if err != nil || len(list.GetOrders()) != 1 {
		t.Errorf("listed %v, %v", list, err)
	}
	open, err := s.orders().ListOrders(t.Context(), &shopv1.ListOrdersRequest{Open: true})
	if err != nil || len(open.GetOrders()) != 0 {
		t.Errorf("listed as open %v, %v", open, err)
	}
}

func TestAnOrderWhoseParcelIsInDoubtIsTakenBackWithIt(t *testing.T) {
	s := openIn(t, t.TempDir())
	s.breakIt("ShipOrder", status.Error(codes.Unavailable, "no lorry"))
	_, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
	if err == nil || !strings.Contains(err.Error(), "was refunded") {
		t.Fatalf("got %v", err)
	}
	s.breakIt("ShipOrder", nil)
	placed, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
	if err != nil {
		t.Fatal(err)
	}
	s.wantOrder(t, placed.GetOrder().GetOrderId(), "COMPLETED: reserve, charge, ship!, cancel shipment, refund, reserve, charge, ship, empty cart, confirm")
	if s.wantCalls(t, "CancelShipment 1 Refund 1 ShipOrder 2"); len(s.sent) != 2 {
		t.Errorf("parcels by key: %v, want one that was canceled, and one that stands", s.sent)
	}
}

func TestAnOrderThatCannotBeRefundedIsStuckUntilSomebodyHelps(t *testing.T) {
	s := openIn(t, t.TempDir())
	s.breakIt("ShipOrder", status.Error(codes.InvalidArgument, "no such street"))
	s.breakIt("Refund", status.Error(codes.NotFound, "no such transaction; card 4432 8015 6152 0454"))
	_, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
	id := idOf(t, err)
	s.wantOrder(t, id, "STUCK: reserve, charge, ship!, refund!")
	if _, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order()); idOf(t, err) != id || status.Code(err) != codes.FailedPrecondition {
		t.Errorf("the call again: %v", err)
	}
	retry := func(reason string) error {
		_, err := s.orders().RetryOrder(t.Context(), &shopv1.RetryOrderRequest{OrderId: id, Reason: reason})
		return err
	}
	if err := retry(" "); status.Code(err) != codes.InvalidArgument {
		t.Errorf("without a reason: %v", err)
	}
	if err := retry("payment is back"); err != nil {
		t.Fatal(err)
	}
	order := s.wantOrder(t, id, "STUCK: reserve, charge, ship!, refund!, retry, cancel shipment, refund!")
	if steps := order.GetSteps(); steps[4].GetDetail() != "payment is back" || steps[4].GetKind() != shopv1.StepKind_BY_HAND || strings.Contains(steps[3].GetDetail(), "4432") {
		t.Errorf("got %v", steps)
	}
	if _, err := s.orders().CancelOrder(t.Context(), &shopv1.CancelOrderRequest{OrderId: id, Reason: "paid back in cash", Close: true}); err != nil {
		t.Fatal(err)
	}
	s.wantOrder(t, id, "FAILED: reserve, charge, ship!, refund!, retry, cancel shipment, refund!, cancel, cancel shipment, refund!")
	if err := retry("again"); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("after its end: %v", err)
	}
}

func TestAnOrderInDoubtIsCanceledByHand(t *testing.T) {
	s := openIn(t, t.TempDir())
	s.lose = true
	_, err := s.client.PlaceOrder(t.Context(), order())
	id := idOf(t, err)
	if _, err := s.orders().CancelOrder(t.Context(), &shopv1.CancelOrderRequest{OrderId: id, Reason: "the customer gave up"}); err != nil {
		t.Fatal(err)
	}
	if s.wantOrder(t, id, "FAILED: reserve, charge!, cancel, cancel shipment, void charge"); len(s.paid) != 0 {
		t.Errorf("charges that stand: %v", s.paid)
	}
}

func TestAPlacedOrderIsNotCanceled(t *testing.T) {
	s := openIn(t, t.TempDir())
	s.breakIt("SendOrderConfirmation", status.Error(codes.Unavailable, "no stamps"))
	placed, err := s.client.PlaceOrder(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	id := placed.GetOrder().GetOrderId()
	if got, state := s.get(t, id); got.GetState() != shopv1.OrderState_PLACED || strings.Join(got.GetStepsLeft(), " ") != "confirm" || got.GetNextAttempt() == nil {
		t.Errorf("got %s, %v", state, got)
	}
	if _, err := s.orders().CancelOrder(t.Context(), &shopv1.CancelOrderRequest{OrderId: id, Reason: "no"}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("got %v", err)
	}
	s.breakIt("SendOrderConfirmation", nil)
	eventually.True(t, "the confirmation is sent", func() bool {
		got, _ := s.get(t, id)
		return got.GetState() == shopv1.OrderState_COMPLETED
	})
}

func TestWhatNobodyOrderedIsNotFound(t *testing.T) {
	s := open(t)
	for id, want := range map[string]codes.Code{"": codes.InvalidArgument, "x": codes.NotFound} {
		if _, err := s.orders().GetOrder(t.Context(), &shopv1.GetOrderRequest{OrderId: id}); status.Code(err) != want {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := s.orders().ListOrders(t.Context(), &shopv1.ListOrdersRequest{Limit: 501}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("got %v", err)
	}
}

func TestOrdersOfTheFirstVersionAreKept(t *testing.T) {
	dir := t.TempDir()
	bought := &pb.OrderResult{ShippingCost: eur(17, 980_000_000), Items: []*pb.OrderItem{{Item: &pb.CartItem{ProductId: "MUG", Quantity: 2}, Cost: eur(17, 980_000_000)}}}
	id, err := checkout.LeaveOfVersion1(dir, order(), bought)
	if err != nil {
		t.Fatal(err)
	}
	s := prepareShop(t)
	s.paid[id] = "transaction-1"
	s.start(t, map[string]string{"DATA_DIR": dir})
	eventually.True(t, "the interrupted order is finished", func() bool {
		got, _ := s.get(t, id)
		return got.GetState() == shopv1.OrderState_COMPLETED
	})
	s.wantOrder(t, id, "COMPLETED: look up charge, ship, empty cart, confirm")
}

func TestNoFileOfTheJournalHasTheNumberOfACard(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	number := order().GetCreditCard().GetCreditCardNumber()
	if _, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order()); err != nil {
		t.Fatal(err)
	}
	s.breakIt("Charge", status.Errorf(codes.InvalidArgument, "card %s is not accepted", number))
	s.fill(&pb.CartItem{ProductId: "MUG", Quantity: 1})
	if _, err := s.client.PlaceOrder(keyed(t.Context(), "declined"), order()); err == nil {
		t.Fatal("a declined card was charged")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	size := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if size += len(content); strings.Contains(string(content), number) {
			t.Errorf("%s has the number of a card", file)
		}
	}
	if size < 4096 {
		t.Errorf("the files have %d bytes", size)
	}
}
