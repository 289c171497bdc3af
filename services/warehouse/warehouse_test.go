package warehouse_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/bus"
	"github.com/shopctl/shopctl/pkg/chassis/bus/bustest"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/eventually"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopevent"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
	"github.com/shopctl/shopctl/services/warehouse"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a bus with a warehouse that listens to it.
type world struct {
	t      *testing.T
	bus    *bus.Bus
	env    map[string]string
	run    *chassistest.Service
	client shopv1.WarehouseClient
}

func open(t *testing.T) *world {
	t.Helper()
	url := bustest.Start(t).URL()
	b, err := bus.Connect(bus.Config{URL: url, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	w := &world{t: t, bus: b, env: map[string]string{"NATS_URL": url, "DATA_DIR": t.TempDir()}}
	w.start()
	return w
}

func (w *world) start() {
	w.t.Helper()
	w.run = chassistest.Start(w.t, warehouse.Setup, w.env, chassistest.WithName("warehouse"))
	w.client = shopv1.NewWarehouseClient(w.run.Conn())
}

func (w *world) send(events ...shopevent.Event) {
	w.t.Helper()
	if stored, err := w.bus.Publish(w.t.Context(), events); err != nil {
		w.t.Fatalf("%d stored: %v", stored, err)
	}
}

// event is the n-th event of an order, of two mugs and a watch.
func event(t *testing.T, order string, n int, kind string) shopevent.Event {
	t.Helper()
	about := shopevent.Order{OrderID: order}
	if kind == shopevent.OrderShipped {
		about.TrackingID = "UT-" + order
	}
	if kind == shopevent.OrderPlaced {
		var err error
		if about.Result, err = protojson.Marshal(&pb.OrderResult{OrderId: order, Items: []*pb.OrderItem{
			{Item: &pb.CartItem{ProductId: "MUG", Quantity: 2}}, {Item: &pb.CartItem{ProductId: "WATCH", Quantity: 1}},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(about)
	if err != nil {
		t.Fatal(err)
	}
	return shopevent.Event{
		SpecVersion: "1.0", ID: fmt.Sprint(order, "-", n), Source: shopevent.Source, Type: kind, Subject: order, Time: time.Now().UTC(), Sequence: fmt.Sprint(n), Data: data,
	}
}

func (w *world) packing(order string) *shopv1.Packing {
	p, err := w.client.GetPacking(w.t.Context(), &shopv1.GetPackingRequest{OrderId: order})
	if err != nil && status.Code(err) != codes.NotFound {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) reaches(order string, state shopv1.PackingState) {
	w.t.Helper()
	eventually.True(w.t, order+" is "+state.String(), func() bool { return w.packing(order).GetState() == state })
}

// stock is "MUG 2/1 WATCH 1/1": units and orders.
func (w *world) stock() string {
	resp, err := w.client.ListStock(w.t.Context(), &shopv1.ListStockRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, p := range resp.GetProducts() {
		all = append(all, fmt.Sprintf("%s %d/%d", p.GetProductId(), p.GetUnits(), p.GetOrders()))
	}
	return strings.Join(all, " ")
}

func TestAnOrderIsFollowedFromEventToEvent(t *testing.T) {
	w := open(t)
	if _, err := w.client.GetPacking(t.Context(), &shopv1.GetPackingRequest{OrderId: "a"}); status.Code(err) != codes.NotFound {
		t.Errorf("an order before its events: %v", err)
	}
	w.send(event(t, "a", 1, shopevent.PaymentCharged))
	w.reaches("a", shopv1.PackingState_PAID)
	w.send(event(t, "a", 2, shopevent.OrderShipped))
	w.reaches("a", shopv1.PackingState_SHIPPED)
	w.send(event(t, "a", 3, shopevent.OrderPlaced))
	w.reaches("a", shopv1.PackingState_DONE)
	if p := w.packing("a"); p.GetTrackingId() != "UT-a" || p.GetUnits() != 3 || p.GetSequence() != 3 || p.GetApplied().AsTime().Before(p.GetHappened().AsTime().Add(-time.Second)) {
		t.Errorf("got %v", p)
	}
	w.send(event(t, "b", 1, shopevent.PaymentCharged), event(t, "b", 2, shopevent.PaymentRefunded), event(t, "b", 3, shopevent.OrderCancelled))
	w.reaches("b", shopv1.PackingState_CANCELED)
	if got := w.stock(); got != "MUG 2/1 WATCH 1/1" {
		t.Errorf("stock %q", got)
	}
	list, err := w.client.ListPackings(t.Context(), &shopv1.ListPackingsRequest{})
	if err != nil || list.GetEvents() != 6 || len(list.GetPackings()) != 2 || list.GetPackings()[0].GetOrderId() != "b" {
		t.Errorf("list %v, %v", list, err)
	}
}

// Replicas share what they know. An event that the bus delivers again, to the same or another, changes nothing.
func TestAnEventThatIsDeliveredAgainCountsOnce(t *testing.T) {
	w := open(t)
	chassistest.Start(t, warehouse.Setup, w.env, chassistest.WithName("warehouse"))
	for n := range 50 {
		w.send(event(t, fmt.Sprint("o", n), 1, shopevent.OrderPlaced))
	}
	w.reaches("o49", shopv1.PackingState_DONE)
	if err := w.bus.Replay(t.Context(), "warehouse", 1); err != nil {
		t.Fatal(err)
	}
	w.send(event(t, "last", 1, shopevent.OrderPlaced))
	w.reaches("last", shopv1.PackingState_DONE)
	if got := w.stock(); got != "MUG 102/51 WATCH 51/51" {
		t.Errorf("stock %q", got)
	}
}

func TestAWarehouseThatWasAwayCatchesUp(t *testing.T) {
	w := open(t)
	w.send(event(t, "before", 1, shopevent.OrderPlaced))
	w.reaches("before", shopv1.PackingState_DONE)
	if err := w.run.Stop(); err != nil {
		t.Fatal(err)
	}
	var missed []shopevent.Event
	for n := range 300 {
		missed = append(missed, event(t, fmt.Sprint("o", n), 1, shopevent.OrderPlaced))
	}
	w.send(missed...)
	w.start()
	w.reaches("o299", shopv1.PackingState_DONE)
	if got := w.stock(); got != "MUG 602/301 WATCH 301/301" {
		t.Errorf("stock %q", got)
	}
}

// A dead letter that is sent again comes after events that are newer: what it adds counts, and the order does not go back.
func TestAnEventThatComesLateDoesNotPutTheOrderBack(t *testing.T) {
	w := open(t)
	w.send(event(t, "a", 4, shopevent.OrderCancelled))
	w.reaches("a", shopv1.PackingState_CANCELED)
	w.send(event(t, "a", 2, shopevent.OrderShipped), event(t, "b", 1, shopevent.OrderPlaced))
	w.reaches("b", shopv1.PackingState_DONE)
	if p := w.packing("a"); p.GetState() != shopv1.PackingState_CANCELED || p.GetSequence() != 4 || p.GetTrackingId() != "UT-a" {
		t.Errorf("got %v", p)
	}
}

func TestWhatCannotBeReadIsADeadLetter(t *testing.T) {
	w := open(t)
	wrong := event(t, "a", 1, shopevent.OrderPlaced)
	wrong.Data = []byte(`{"order_id":"a","result":{"items":7}}`)
	other := event(t, "b", 1, shopevent.OrderPlaced)
	other.Data = []byte(`{"order_id":"another"}`)
	without := event(t, "c", 1, shopevent.PaymentCharged)
	without.Sequence = ""
	unknown := event(t, "d", 1, "OrderAdmired")
	w.send(wrong, other, without, unknown, event(t, "e", 1, shopevent.PaymentCharged))
	w.reaches("e", shopv1.PackingState_PAID)
	var reasons []string
	eventually.True(t, "three dead letters", func() bool {
		letters, err := w.bus.DeadLetters(t.Context(), 10)
		reasons = nil
		for _, l := range letters {
			reasons = append(reasons, l.Reason)
		}
		return err == nil && len(letters) == 3
	})
	for _, want := range []string{"read the order of event a-1", `its order_id is "another", its subject "b"`, `its sequence is ""`} {
		if !slices.ContainsFunc(reasons, func(r string) bool { return strings.Contains(r, want) }) {
			t.Errorf("reasons %q, want %s", reasons, want)
		}
	}
}

func TestAWarehouseWithoutABusSaysWhatIsMissing(t *testing.T) {
	for env, want := range map[string]string{"": "NATS_URL is not set", "nats://a b": "read NATS_URL"} {
		err := chassis.Run(context.Background(), chassis.Options{Name: "warehouse", Workload: "warehouse", Getenv: func(key string) string {
			return map[string]string{"NATS_URL": env}[key]
		}, Stdout: io.Discard}, warehouse.Setup)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NATS_URL=%q: %v", env, err)
		}
	}
}

func TestRequestsOutOfBoundsAreRefused(t *testing.T) {
	w := open(t)
	_, empty := w.client.GetPacking(t.Context(), &shopv1.GetPackingRequest{})
	_, less := w.client.ListPackings(t.Context(), &shopv1.ListPackingsRequest{Limit: -1})
	_, more := w.client.ListPackings(t.Context(), &shopv1.ListPackingsRequest{Limit: 501})
	for _, err := range []error{empty, less, more} {
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("got %v", err)
		}
	}
}
