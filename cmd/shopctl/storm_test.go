package main_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/eventually"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
)

// How long and how often processes are killed: `make test-storm` does so longer.
var (
	stormFor    = flag.Duration("storm", 8*time.Second, "how long TestTheBooksBalanceAfterAStorm kills processes")
	stormEvery  = flag.Duration("storm-every", 450*time.Millisecond, "mean time between two kills")
	stormBurst  = flag.Int("storm-burst", 1, "how many processes are killed at a time")
	stormDaemon = flag.Int("storm-daemon", 1, "how often the daemon is killed meanwhile, and started again")
)

const (
	// buyers is how many customers order at the same time.
	buyers = 6
	// patience is how long a customer repeats an order at most.
	patience = 2 * time.Minute
)

// acknowledged is an order that its customer has got.
type acknowledged struct{ user, id, tracking, total string }

// storm is a shop whose processes are killed while customers order.
type storm struct {
	*stormShop
	stopped atomic.Bool
	buyer   atomic.Int64
	repeats atomic.Int64 // of orders whose result was not known
	kills   map[string]int

	mu     sync.Mutex
	orders []acknowledged
}

// Every process of the shop is killed at random while customers order, each with one key, which they repeat until they
// have the order. Then the books are balanced.
func TestTheBooksBalanceAfterAStorm(t *testing.T) {
	s := &storm{stormShop: startStormShop(t), kills: map[string]int{}}
	for _, name := range []string{"checkout", "payment", "shipping", "email"} {
		s.run(t, "scale", name, "--replicas", "2", "--wait")
	}
	s.connect(t)
	ctx, leave := context.WithCancel(t.Context())
	var customers sync.WaitGroup
	defer customers.Wait()
	defer leave()
	for range buyers {
		customers.Go(func() {
			for !s.stopped.Load() && ctx.Err() == nil {
				s.buy(ctx, t)
			}
		})
	}
	s.killUntil(t, time.Now().Add(*stormFor))
	s.stopped.Store(true)
	customers.Wait()
	ended := time.Now()
	var b books
	if !eventually.Within(time.Minute, func() bool { b = s.books(t); return b.balance(s.orders) == "" }) {
		t.Errorf("the books do not balance: %s", b.balance(s.orders))
	}
	t.Logf("%d kills %v; %d orders acknowledged, %d calls repeated; %d charges, %d refunded; %d parcels, %d mails; settled %s after the last order",
		total(s.kills), s.kills, len(s.orders), s.repeats.Load(), len(b.charges)+b.refunds, b.refunds, len(b.parcels), len(b.mails), time.Since(ended))
	if len(s.orders) == 0 || total(s.kills) == 0 || s.kills[daemon] != *stormDaemon {
		t.Error("nothing was ordered, or not all were killed that were to be")
	}
	s.askAgain(t)
}

func total(kills map[string]int) (n int) {
	for _, k := range kills {
		n += k
	}
	return n
}

// killUntil kills one process after another, chosen at random.
func (s *storm) killUntil(t *testing.T, end time.Time) {
	t.Helper()
	tick := time.NewTicker(*stormEvery)
	defer tick.Stop()
	began := time.Now()
	for time.Now().Before(end) || s.kills[daemon] < *stormDaemon {
		<-tick.C
		if share := float64(time.Since(began)) / float64(end.Sub(began)); float64(s.kills[daemon]) < share*float64(*stormDaemon)-0.5 {
			s.killDaemon(t)
			continue
		}
		instances := s.instances(t)
		if len(instances) == 0 {
			continue
		}
		for _, i := range rand.Perm(len(instances))[:min(*stormBurst, len(instances))] {
			if syscall.Kill(instances[i].pid, syscall.SIGKILL) == nil {
				s.kills[instances[i].service]++
			}
		}
	}
}

// daemon is the name of the daemon among those that were killed.
const daemon = "daemon"

// killDaemon kills the daemon, with which all its processes end, and starts the shop again.
func (s *storm) killDaemon(t *testing.T) {
	t.Helper()
	var st struct{ PID int }
	if err := json.Unmarshal(s.run(t, "status", "-o", "json"), &st); err != nil {
		t.Fatal(err)
	}
	if st.PID <= 1 || syscall.Kill(st.PID, syscall.SIGKILL) != nil {
		t.Fatalf("the daemon with pid %d is not killed", st.PID)
	}
	s.kills[daemon]++
	s.run(t, "up", "-q")
	s.connect(t)
}

// buy fills the cart of a new customer and orders it until that has succeeded.
func (s *storm) buy(ctx context.Context, t *testing.T) {
	n := s.buyer.Add(1)
	user := fmt.Sprintf("customer-%d", n)
	if err := s.fill(ctx, user, int32(1+n%5)); err != nil {
		waitUnless(ctx, 50*time.Millisecond)
		return // whatever is in this cart, another customer comes
	}
	for start := time.Now(); time.Since(start) < patience && ctx.Err() == nil; waitUnless(ctx, 50*time.Millisecond) {
		order, err := s.order(ctx, user)
		switch code := status.Code(err); {
		case err == nil:
			s.acknowledge(t, user, order)
			return
		case code == codes.InvalidArgument, code == codes.FailedPrecondition, code == codes.AlreadyExists:
			t.Errorf("the order of %s: %v", user, err)
			return
		}
		s.repeats.Add(1)
	}
	t.Errorf("the order of %s was not placed within %s", user, patience)
}

func (s *storm) fill(ctx context.Context, user string, quantity int32) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := s.clients.Load().cart.AddItem(ctx, &pb.AddItemRequest{UserId: user, Item: &pb.CartItem{ProductId: "OLJCESPC7Z", Quantity: quantity}})
	return err
}

func waitUnless(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

func (s *storm) order(ctx context.Context, user string) (*pb.OrderResult, error) {
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(ctx, "idempotency-key", "key of "+user), 8*time.Second)
	defer cancel()
	resp, err := s.clients.Load().checkout.PlaceOrder(ctx, &pb.PlaceOrderRequest{
		UserId: user, UserCurrency: "EUR", Email: "someone@example.com",
		Address:    &pb.Address{StreetAddress: "1600 Amphitheatre Parkway", City: "Mountain View", State: "CA", Country: "United States", ZipCode: 94043},
		CreditCard: &pb.CreditCardInfo{CreditCardNumber: "4432801561520454", CreditCardCvv: 672, CreditCardExpirationYear: 2039, CreditCardExpirationMonth: 1},
	})
	return resp.GetOrder(), err
}

func (s *storm) acknowledge(t *testing.T, user string, order *pb.OrderResult) {
	sum := order.GetShippingCost()
	for _, item := range order.GetItems() {
		cost, err := money.Multiply(item.GetCost(), int64(item.GetItem().GetQuantity()))
		if err == nil {
			sum, err = money.Add(sum, cost)
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, acknowledged{user, order.GetOrderId(), order.GetShippingTrackingId(), money.Decimal(sum)})
}

// askAgain repeats the calls of some customers: they get their orders again.
func (s *storm) askAgain(t *testing.T) {
	t.Helper()
	for i := 0; i < len(s.orders); i += 1 + len(s.orders)/20 {
		order, err := s.order(t.Context(), s.orders[i].user)
		if err != nil || order.GetOrderId() != s.orders[i].id {
			t.Errorf("%s asks again and gets %v, %v, not order %s", s.orders[i].user, order, err, s.orders[i].id)
		}
	}
}
