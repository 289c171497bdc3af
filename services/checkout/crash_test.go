package checkout_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/eventually"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
	"github.com/shopctl/shopctl/services/checkout"
)

// Variables of a child: a process of the test's program that is a checkout.
const (
	// crashAt is the point at which it kills itself; "-" for none.
	crashAt = "CHECKOUT_TEST_CRASH_AT"
	// clockAhead is how far the clock of its journal is ahead: so the leases of the one before have ended.
	clockAhead = "CHECKOUT_TEST_CLOCK_AHEAD"
)

func isChild() bool { return os.Getenv(crashAt) != "" }

func runChild() {
	ahead, err := time.ParseDuration(os.Getenv(clockAhead))
	if err == nil {
		err = chassis.Run(context.Background(), chassis.Options{
			Name: "checkout", Workload: "checkoutservice", Getenv: os.Getenv, Stdout: io.Discard, Down: os.Stdin, Up: os.Stdout,
		}, checkout.CrashingSetup(ahead, func(point, _ string) {
			if point == os.Getenv(crashAt) {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // nothing more is done
			}
		}))
	}
	if err != nil && !errors.Is(err, chassis.ErrLifeline) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child is a running one.
type child struct {
	pid  int
	conn *grpc.ClientConn
	dead chan struct{} // is closed when it has ended
}

// startChild starts a checkout as a process of its own.
func (s *shop) startChild(t *testing.T, at string, ahead time.Duration) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), crashAt+"="+at, clockAhead+"="+ahead.String())
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	down, err := cmd.StdinPipe() // which ends with this process
	if err != nil {
		t.Fatal(err)
	}
	up, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c, addr := &child{pid: cmd.Process.Pid, dead: make(chan struct{})}, make(chan string, 1)
	go func() {
		defer close(c.dead)
		_ = lifeline.Read(up, func(u lifeline.Up) {
			if u.Listening != nil {
				addr <- u.Listening.Addr
			}
		})
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = down.Close()
		_ = syscall.Kill(c.pid, syscall.SIGKILL)
		<-c.dead
	})
	select {
	case a := <-addr:
		if c.conn, err = grpc.NewClient(a, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.conn.Close() })
	case <-c.dead:
		t.Fatal("the child has ended before it listened")
	}
	return c
}

// crash is where a checkout is killed, and what else is wrong then.
type crash struct {
	// at is a point of the process itself; else it is killed during a call of a method, which has its effect or not.
	at, during string
	effect     bool
	// unshipped is whether shipping loses its responses.
	unshipped bool
}

func (c crash) String() string {
	name := c.at
	if c.during != "" {
		name = fmt.Sprintf("during %s, effect %t", c.during, c.effect)
	}
	if c.unshipped {
		name += ", shipping fails"
	}
	return name
}

// crashes are all points of an order that succeeds, and of one that is taken back.
func crashes() (all []crash) {
	for _, point := range []string{"commit of reserve", "charge", "ship", "empty cart", "confirm", "commit of save"} {
		all = append(all, crash{at: "before " + point}, crash{at: "after " + point})
	}
	for _, method := range []string{"Charge", "ShipOrder", "EmptyCart", "SendOrderConfirmation"} {
		all = append(all, crash{during: method}, crash{during: method, effect: true})
	}
	for _, point := range []string{"commit of keep", "cancel shipment", "refund", "commit of save"} {
		all = append(all, crash{at: "before " + point, unshipped: true}, crash{at: "after " + point, unshipped: true})
	}
	for _, method := range []string{"CancelShipment", "Refund"} {
		all = append(all, crash{during: method, unshipped: true}, crash{during: method, effect: true, unshipped: true})
	}
	return all
}

// A checkout is killed at each point of an order. Whether or not its customer calls again, the next process brings the order to
// an end in which charges, parcels and mails agree.
func TestAnOrderOutlivesACrashAtEachPoint(t *testing.T) {
	for _, c := range crashes() {
		for _, again := range []bool{true, false} {
			name := c.String() + ", the customer is gone"
			if again {
				name = c.String() + ", the customer calls again"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				survive(t, c, again)
			})
		}
	}
}

func survive(t *testing.T, c crash, again bool) {
	s := prepareShop(t)
	s.env["DATA_DIR"] = t.TempDir()
	surviveIn(t, s, c, again, "k")
}

func surviveIn(t *testing.T, s *shop, c crash, again bool, key string) {
	t.Helper()
	if c.unshipped {
		s.lost = true
	}
	at := "-"
	if c.at != "" {
		at = c.at
	}
	first := s.startChild(t, at, 0)
	var killed atomic.Bool
	if c.during != "" {
		s.mu.Lock()
		s.fault[c.during] = func(ctx context.Context, _ int) error {
			if killed.Swap(true) {
				return nil
			}
			_ = syscall.Kill(first.pid, syscall.SIGKILL)
			<-first.dead
			if c.effect {
				return nil
			}
			return status.Error(codes.Unavailable, "not done")
		}
		s.mu.Unlock()
	}
	if _, err := pb.NewCheckoutServiceClient(first.conn).PlaceOrder(keyed(t.Context(), key), order()); err == nil {
		t.Fatal("the order was placed: the process was not killed")
	}
	<-first.dead
	s.mu.Lock()
	s.lost = false
	s.mu.Unlock()
	second := s.startChild(t, "-", 10*time.Second)
	if again {
		if _, err := pb.NewCheckoutServiceClient(second.conn).PlaceOrder(keyed(t.Context(), key), order()); err != nil {
			t.Errorf("the call again: %v", err)
		}
	}
	orders, problem := shopv1.NewOrdersClient(second.conn), ""
	if !eventually.Within(20*time.Second, func() bool { problem = s.unbalanced(t.Context(), orders, again); return problem == "" }) {
		t.Error(problem)
	}
}

// unbalanced returns what is wrong in the books; empty if they agree.
func (s *shop) unbalanced(ctx context.Context, orders shopv1.OrdersClient, wanted bool) string {
	list, err := orders.ListOrders(ctx, &shopv1.ListOrdersRequest{Limit: 1}) // PostgreSQL's has those of other shops
	if err != nil {
		return err.Error()
	}
	completed := 0
	for _, o := range list.GetOrders() {
		switch o.GetState() {
		case shopv1.OrderState_COMPLETED:
			completed++
			whole, err := orders.GetOrder(ctx, &shopv1.GetOrderRequest{OrderId: o.GetOrderId()})
			if err != nil || len(whole.GetStepsLeft()) > 0 {
				return fmt.Sprintf("the completed order %s has %q left to do, error %v", o.GetOrderId(), whole.GetStepsLeft(), err)
			}
		case shopv1.OrderState_FAILED:
		default:
			return "order " + o.GetOrderId() + " is " + o.GetState().String()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	refunded, mailed, parcels := map[string]bool{}, map[string]bool{}, 0
	for _, r := range s.back {
		refunded[r.GetTransactionId()] = true
	}
	for _, m := range s.mails {
		mailed[m.GetOrder().GetOrderId()] = true
	}
	for _, stands := range s.sent {
		if stands {
			parcels++
		}
	}
	charges := 0
	for _, transaction := range s.paid {
		if !refunded[transaction] {
			charges++
		}
	}
	switch {
	case wanted && completed != 1:
		return fmt.Sprintf("the customer has %d orders", completed)
	case charges != completed, parcels != completed, len(mailed) != completed:
		return fmt.Sprintf("%d orders, %d charges that stand, %d parcels, %d mails; calls: %s", completed, charges, parcels, len(mailed), strings.Join(s.calls, " "))
	case completed > 0 && len(s.cart) > 0:
		return "the cart is not empty"
	}
	return ""
}

// The same journal is in PostgreSQL.
func TestAnOrderInPostgresOutlivesACrash(t *testing.T) {
	server := chassistest.StartPostgres(t)
	if server == nil {
		return
	}
	for _, c := range []crash{{at: "after commit of reserve"}, {during: "Charge", effect: true}, {at: "after ship"}, {at: "before commit of save"}, {at: "after refund", unshipped: true}} {
		t.Run(c.String(), func(t *testing.T) {
			s := prepareShop(t)
			s.env["CHECKOUT_DATABASE_URL"] = server.URL
			surviveIn(t, s, c, true, "key of "+c.String())
		})
	}
}
