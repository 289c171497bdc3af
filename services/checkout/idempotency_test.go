package checkout_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func TestARepeatedCallIsTheSameOrder(t *testing.T) {
	s := open(t)
	first, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
	if err != nil || !proto.Equal(first, again) {
		t.Errorf("got %v, %v, want the first order", again, err)
	}
	s.wantCalls(t, "Charge 1 ShipOrder 1 SendOrderConfirmation 1 EmptyCart 1")
	if len(s.keys) != 1 || s.keys[0] != first.GetOrder().GetOrderId() {
		t.Errorf("charged with keys %v, want the order's id", s.keys)
	}
}

func TestAKeyThatHasPaidForSomethingElseDoesNotPayForAnOrder(t *testing.T) {
	s := open(t)
	s.paid["k"] = "a charge of the caller's own"
	resp, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
	if err != nil {
		t.Fatal(err)
	}
	if s.wantCalls(t, "Charge 1 ShipOrder 1"); s.paid[resp.GetOrder().GetOrderId()] == "" || len(s.paid) != 2 {
		t.Errorf("charges by key: %v, want one of the order's own", s.paid)
	}
}

func TestAKeyIsGoodForOneRequest(t *testing.T) {
	s := open(t)
	if _, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order()); err != nil {
		t.Fatal(err)
	}
	other := order()
	other.UserId = "somebody else"
	if _, err := s.client.PlaceOrder(keyed(t.Context(), "k"), other); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "used before") {
		t.Errorf("another request with the key gives %v", err)
	}
	for name, ctx := range map[string]context.Context{
		"two keys":       keyed(keyed(t.Context(), "a"), "b"),
		"an endless key": keyed(t.Context(), strings.Repeat("k", 256)),
	} {
		if _, err := s.client.PlaceOrder(ctx, order()); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s give %v", name, err)
		}
	}
}

func TestCallsWithOneKeyAtTheSameTimeAreOneOrder(t *testing.T) {
	s := open(t)
	const calls = 8
	entered, release := make(chan struct{}), make(chan struct{})
	s.fault["Charge"] = func(context.Context, int) error {
		close(entered) // a second charge would panic here
		<-release
		return nil
	}
	var wg sync.WaitGroup
	ids := make(chan string, calls)
	for range calls {
		wg.Go(func() {
			resp, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order())
			if err != nil {
				t.Error(err)
			}
			ids <- resp.GetOrder().GetOrderId()
		})
	}
	<-entered
	close(release)
	wg.Wait()
	close(ids)
	first := <-ids
	for id := range ids {
		if id != first {
			t.Errorf("orders %s and %s for one key", first, id)
		}
	}
	s.wantCalls(t, "Charge 1 ShipOrder 1")
}

func TestAnOrderThatFailedMayBeTriedAgain(t *testing.T) {
	s := open(t)
	s.breakIt("ShipOrder", status.Error(codes.Unavailable, "no lorry"))
	if _, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order()); err == nil {
		t.Fatal("an order that was not shipped succeeded")
	}
	s.breakIt("ShipOrder", nil)
	if _, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order()); err != nil {
		t.Error(err)
	}
}

func TestADeadlineOfOneCallerDoesNotEndTheCallOfAnother(t *testing.T) {
	s := open(t)
	entered := make(chan struct{}, 2)
	s.fault["Charge"] = func(ctx context.Context, nth int) error {
		entered <- struct{}{}
		if nth == 1 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	hasty, hangUp := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = s.client.PlaceOrder(keyed(hasty, "k"), order()) })
	<-entered
	var patient *pb.PlaceOrderResponse
	var err error
	wg.Go(func() { patient, err = s.client.PlaceOrder(keyed(t.Context(), "k"), order()) })
	hangUp()
	wg.Wait()
	if err != nil || patient.GetOrder().GetOrderId() == "" {
		t.Errorf("the patient caller gets %v, %v", patient, err)
	}
}
