package checkout_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/chassis/bus/bustest"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/eventually"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// inbox are the events that a consumer received, in their order.
type inbox struct {
	mu  sync.Mutex
	all []shopevent.Event
}

func (in *inbox) list() []shopevent.Event {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.all)
}

// kinds are the types of events about an order.
func (in *inbox) kinds(order string) (kinds []string) {
	for _, e := range in.list() {
		if e.Subject == order {
			kinds = append(kinds, e.Type)
		}
	}
	return kinds
}

// receive consumes all events until the test ends.
func receive(t *testing.T, url string) *inbox {
	t.Helper()
	b, err := bus.Connect(bus.Config{URL: url, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	in := &inbox{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- b.Consume(ctx, bus.Consumer{Name: "test", Handle: func(_ context.Context, e shopevent.Event) error {
			in.mu.Lock()
			defer in.mu.Unlock()
			in.all = append(in.all, e)
			return nil
		}})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		b.Close()
	})
	return in
}

func orderOf(t *testing.T, e shopevent.Event) shopevent.Order {
	t.Helper()
	o, err := e.Order()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAnOrderThatIsPlacedHasThreeEvents(t *testing.T) {
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			url := bustest.Start(t).URL()
			env := map[string]string{"DATA_DIR": t.TempDir(), "NATS_URL": url}
			if database == "postgres" {
				server := chassistest.StartPostgres(t)
				if server == nil {
					return
				}
				env["CHECKOUT_DATABASE_URL"] = server.URL
			}
			s := openWith(t, env)
			in := receive(t, url)
			resp, err := s.client.PlaceOrder(t.Context(), order())
			if err != nil {
				t.Fatal(err)
			}
			id := resp.GetOrder().GetOrderId()
			eventually.True(t, "three events arrive", func() bool { return len(in.list()) >= 3 })
			if kinds := in.kinds(id); !slices.Equal(kinds, []string{shopevent.PaymentCharged, shopevent.OrderShipped, shopevent.OrderPlaced}) {
				t.Errorf("events %v", kinds)
			}
			for i, e := range in.list() {
				if want := fmt.Sprint(i + 1); e.Sequence != want || e.ID != id+"-"+want || !strings.HasPrefix(e.TraceParent, "00-") {
					t.Errorf("event %+v", e)
				}
			}
			placed := orderOf(t, in.list()[2])
			var result pb.OrderResult
			if err := protojson.Unmarshal(placed.Result, &result); err != nil || !proto.Equal(&result, resp.GetOrder()) {
				t.Errorf("result %s: %v", placed.Result, err)
			}
			if placed.Email != order().GetEmail() || placed.TrackingID != resp.GetOrder().GetShippingTrackingId() || placed.TransactionID == "" || !strings.HasSuffix(placed.Total, "EUR") {
				t.Errorf("data %+v", placed)
			}
			for _, e := range in.list() {
				if strings.Contains(string(e.Data), "4432801561520454") {
					t.Errorf("the card's number is in %s", e.Data)
				}
			}
		})
	}
}

func TestTheEventsOfAnOrderThatFailsHaveTheReason(t *testing.T) {
	url := bustest.Start(t).URL()
	s := openWith(t, map[string]string{"DATA_DIR": t.TempDir(), "NATS_URL": url})
	in := receive(t, url)
	s.breakIt("ShipOrder", status.Error(codes.InvalidArgument, "no such place"))
	if _, err := s.client.PlaceOrder(t.Context(), order()); err == nil {
		t.Fatal("placed")
	}
	eventually.True(t, "the charge is returned", func() bool { return len(in.list()) >= 3 })
	all := in.list()
	if kinds := in.kinds(all[0].Subject); !slices.Equal(kinds, []string{shopevent.PaymentCharged, shopevent.PaymentRefunded, shopevent.OrderCancelled}) {
		t.Errorf("events %v", kinds)
	}
	if about := orderOf(t, all[2]); about.Reason != "ship: no such place" || about.Email != "" {
		t.Errorf("data %+v", about)
	}
	s.breakIt("Charge", status.Error(codes.InvalidArgument, "credit card is expired"))
	if _, err := s.client.PlaceOrder(t.Context(), order()); err == nil {
		t.Fatal("placed")
	}
	eventually.True(t, "the order is canceled", func() bool { return len(in.list()) >= 4 })
	if last := in.list()[3]; last.Type != shopevent.OrderCancelled || last.Sequence != "1" || orderOf(t, last).Reason != "charge: credit card is expired" {
		t.Errorf("event %+v", last)
	}
}

func TestASecondAttemptWithOneKeyCountsOn(t *testing.T) {
	url := bustest.Start(t).URL()
	s := openWith(t, map[string]string{"DATA_DIR": t.TempDir(), "NATS_URL": url})
	in := receive(t, url)
	s.breakIt("ShipOrder", status.Error(codes.InvalidArgument, "no such place"))
	if _, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order()); err == nil {
		t.Fatal("placed")
	}
	s.breakIt("ShipOrder", nil)
	if _, err := s.client.PlaceOrder(keyed(t.Context(), "k"), order()); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "six events arrive", func() bool { return len(in.list()) >= 6 })
	for i, e := range in.list() {
		if e.Sequence != fmt.Sprint(i+1) || e.Subject != in.list()[0].Subject {
			t.Errorf("event %d: %s of %s", i+1, e.ID, e.Subject)
		}
	}
}

func TestABusThatIsGoneDelaysTheEventsAndNothingElse(t *testing.T) {
	server := bustest.Start(t)
	url, dir := server.URL(), t.TempDir()
	s := openWith(t, map[string]string{"DATA_DIR": dir, "NATS_URL": url})
	replica := s.replica(t)
	in := receive(t, url)
	server.Stop()
	want := map[string]bool{}
	for n := range 20 {
		client := []pb.CheckoutServiceClient{s.client, replica}[n%2]
		s.fill(&pb.CartItem{ProductId: "MUG", Quantity: 2})
		resp, err := client.PlaceOrder(t.Context(), order())
		if err != nil {
			t.Fatal(err)
		}
		want[resp.GetOrder().GetOrderId()] = true
	}
	if len(in.list()) > 0 {
		t.Fatalf("%d events without a bus", len(in.list()))
	}
	eventually.True(t, "the log says that events wait", func() bool { return strings.Contains(s.service.Logs(), "events wait in the outbox") })
	s.restart(t) // what is in the outbox outlives the process
	server.Resume()
	if !eventually.Within(2*time.Minute, func() bool { return len(in.list()) >= 60 }) {
		t.Fatalf("%d events arrived", len(in.list()))
	}
	for id := range want {
		if kinds := in.kinds(id); !slices.Equal(kinds, []string{shopevent.PaymentCharged, shopevent.OrderShipped, shopevent.OrderPlaced}) {
			t.Errorf("events of %s: %v", id, kinds)
		}
	}
}

// The events and what they report are in one transaction: whichever point the process dies at, the events of an order say once
// how it ended.
func TestACrashLosesNoEventAndInventsNone(t *testing.T) {
	url := bustest.Start(t).URL()
	in := receive(t, url)
	for _, point := range []string{"before commit of reserve", "after charge", "after ship", "before commit of save", "after commit of save"} {
		s := prepareShop(t)
		s.env["DATA_DIR"], s.env["NATS_URL"] = t.TempDir(), url
		dying := s.startChild(t, point, 0)
		_, _ = pb.NewCheckoutServiceClient(dying.conn).PlaceOrder(t.Context(), order())
		<-dying.dead
		client := shopv1.NewOrdersClient(s.startChild(t, "-", time.Minute).conn)
		eventually.True(t, "the order has ended after a crash "+point, func() bool {
			list, err := client.ListOrders(t.Context(), &shopv1.ListOrdersRequest{})
			return err == nil && !slices.ContainsFunc(list.GetOrders(), func(o *shopv1.Order) bool {
				return o.GetState() != shopv1.OrderState_COMPLETED && o.GetState() != shopv1.OrderState_FAILED
			})
		})
		list, err := client.ListOrders(t.Context(), &shopv1.ListOrdersRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list.GetOrders() {
			last := map[shopv1.OrderState]string{shopv1.OrderState_COMPLETED: shopevent.OrderPlaced, shopv1.OrderState_FAILED: shopevent.OrderCancelled}[o.GetState()]
			eventually.True(t, "the last event of the order arrives", func() bool { return slices.Contains(in.kinds(o.GetOrderId()), last) })
			kinds := in.kinds(o.GetOrderId())
			once := map[string]int{}
			for _, kind := range kinds {
				once[kind]++
			}
			if slices.Max(slices.Collect(maps.Values(once))) != 1 || kinds[len(kinds)-1] != last {
				t.Errorf("%s: events %v of an order that is %v", point, kinds, o.GetState())
			}
		}
	}
}

func TestAnOrderIsConfirmedByItsEventWhereEmailReceivesEvents(t *testing.T) {
	url := bustest.Start(t).URL()
	s := openWith(t, map[string]string{"DATA_DIR": t.TempDir(), "NATS_URL": url, "CONFIRM_BY": "events"})
	in := receive(t, url)
	resp, err := s.client.PlaceOrder(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "the order is announced", func() bool { return slices.Contains(in.kinds(resp.GetOrder().GetOrderId()), shopevent.OrderPlaced) })
	s.wantCalls(t, "SendOrderConfirmation 0 EmptyCart 1")
	got, err := shopv1.NewOrdersClient(s.service.Conn()).GetOrder(t.Context(), &shopv1.GetOrderRequest{OrderId: resp.GetOrder().GetOrderId()})
	if err != nil || got.GetState() != shopv1.OrderState_COMPLETED {
		t.Fatalf("order %v, %v", got, err)
	}
	if !slices.ContainsFunc(got.GetSteps(), func(step *shopv1.Step) bool {
		return step.GetName() == "confirm" && !step.GetFailed() && step.GetDetail() == "by the event OrderPlaced"
	}) {
		t.Errorf("steps %v", got.GetSteps())
	}
}
