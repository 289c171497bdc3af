package order_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// checkout knows one order, whose states it reports one after another.
type checkout struct {
	shopv1.UnimplementedOrdersServer

	mu     sync.Mutex
	states []*shopv1.Order
	reason string
	closed bool
}

func (c *checkout) GetOrder(_ context.Context, in *shopv1.GetOrderRequest) (*shopv1.Order, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in.GetOrderId() != "o-1" {
		return nil, status.Errorf(codes.NotFound, "no such order: %q", in.GetOrderId())
	}
	o := c.states[0]
	c.states = c.states[min(1, len(c.states)-1):]
	return o, nil
}

func (c *checkout) ListOrders(context.Context, *shopv1.ListOrdersRequest) (*shopv1.ListOrdersResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &shopv1.ListOrdersResponse{Orders: c.states[:1]}, nil
}

func (c *checkout) RetryOrder(_ context.Context, in *shopv1.RetryOrderRequest) (*shopv1.Order, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reason = in.GetReason()
	return c.states[0], nil
}

func (c *checkout) CancelOrder(_ context.Context, in *shopv1.CancelOrderRequest) (*shopv1.Order, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reason, c.closed = in.GetReason(), in.GetClose()
	return c.states[0], nil
}

// restarting is the listener of a program that is not there yet for its first connections: they end before a word is said.
type restarting struct {
	net.Listener
	away int
}

func (l *restarting) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || l.away == 0 {
			return conn, err
		}
		l.away--
		_ = conn.Close()
	}
}

// serve starts the checkout and a shop that has it.
func serve(t *testing.T, states ...*shopv1.Order) (*clitest.World, *checkout) {
	t.Helper()
	return serveAfter(t, 0, states...)
}

// serveAfter is serve for a checkout that begins after some connections.
func serveAfter(t *testing.T, away int, states ...*shopv1.Order) (*clitest.World, *checkout) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, c := grpc.NewServer(), &checkout{states: states}
	shopv1.RegisterOrdersServer(server, c)
	served := make(chan error, 1)
	go func() { served <- server.Serve(&restarting{l, away}) }()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	st := clitest.ThreeServices()
	st.Services = append(st.Services, &controlpb.Service{Name: "checkout", Workload: "checkoutservice", Namespace: "production", State: "ok", Address: l.Addr().String()})
	return clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st}), c
}

var begun = time.Date(2026, 3, 1, 11, 59, 0, 0, time.UTC)

func order(state shopv1.OrderState, steps ...*shopv1.Step) *shopv1.Order {
	return &shopv1.Order{
		OrderId: "o-1", State: state, Total: &hipstershop.Money{CurrencyCode: "EUR", Units: 45, Nanos: 50_000_000}, TransactionId: "t-1",
		TraceId: "4bf92f3577b34da6a3ce929d0e0e4736", Created: timestamppb.New(begun), Steps: steps,
	}
}

func step(name string, kind shopv1.StepKind, at time.Duration, attempts int32, problem string) *shopv1.Step {
	return &shopv1.Step{
		Name: name, Kind: kind, Attempts: attempts, Failed: problem != "", Detail: problem,
		Started: timestamppb.New(begun.Add(at)), Ended: timestamppb.New(begun.Add(at + 5*time.Millisecond)),
	}
}

func stuck() *shopv1.Order {
	return order(shopv1.OrderState_STUCK, step("charge", shopv1.StepKind_COMPENSATABLE, 0, 1, ""), step("ship", shopv1.StepKind_PIVOT, 10*time.Millisecond, 1, "no such street"),
		step("refund", shopv1.StepKind_COMPENSATION, 20*time.Millisecond, 3, "no such transaction"))
}

func TestAnOrderIsDrawnWithItsSteps(t *testing.T) {
	w, _ := serve(t, stuck())
	for _, id := range []string{"o-1", "last"} {
		w.Want(cmdutil.ExitOK, "order", "show", id)
		clitest.WantEqual(t, w.Out.String(), `order o-1  STUCK
its charge can be neither used nor refunded; total 45.05 EUR; transaction t-1

STEP     KIND            RESULT   TRIES   AT      TOOK    DETAIL
charge   compensatable   done     1       +0ms    5.0ms
ship     pivot           failed   1       +10ms   5.0ms   no such street
refund   compensation    failed   3       +20ms   5.0ms   no such transaction
`)
		w.WantErr("next: shopctl order retry o-1 --reason TEXT", "shopctl trace show 4bf92f3577b34da6a3ce929d0e0e4736")
	}
	w.Want(cmdutil.ExitOK, "order", "show", "o-1", "-o", "json")
	w.WantOut(`"state": "STUCK"`, `"kind": "compensation"`, `"attempts": 3`)
	w.Want(cmdutil.ExitFailed, "order", "show", "o-2")
	w.WantErr(`get order: no such order: "o-2"`, "hint: shopctl order list")
}

func TestStepsThatAreLeftAreShown(t *testing.T) {
	placed := order(shopv1.OrderState_PLACED, step("ship", shopv1.StepKind_PIVOT, 0, 1, ""))
	placed.StepsLeft = []string{"confirm"}
	w, _ := serve(t, placed)
	w.Want(cmdutil.ExitOK, "order", "show", "o-1")
	w.WantOut("paid and shipped; the rest is repeated until it succeeds", "\nconfirm ", "to do")
}

func TestOrdersAreListed(t *testing.T) {
	w, _ := serve(t, stuck())
	w.Want(cmdutil.ExitOK, "order", "list", "--open")
	w.WantOut("ORDER   STATE   TOTAL       AGE", "\no-1     STUCK   45.05 EUR   ", "4bf92f3577b34da6a3ce929d0e0e4736")
	w.Want(cmdutil.ExitOK, "order", "list", "-o", "name")
	clitest.WantEqual(t, w.Out.String(), "o-1\n")
	w.Want(cmdutil.ExitUsage, "order", "list", "--limit", "501")
}

func TestAnOrderIsFollowedToItsEnd(t *testing.T) {
	reserved, charged := step("reserve", shopv1.StepKind_COMPENSATABLE, 0, 1, ""), step("charge", shopv1.StepKind_COMPENSATABLE, 0, 1, "")
	failing, again := step("confirm", shopv1.StepKind_RETRYABLE, 0, 1, "no stamps"), step("confirm", shopv1.StepKind_RETRYABLE, 0, 2, "no stamps")
	w, _ := serve(t, order(shopv1.OrderState_RUNNING, reserved), order(shopv1.OrderState_PLACED, reserved, charged, failing), order(shopv1.OrderState_PLACED, reserved, charged, again),
		order(shopv1.OrderState_COMPLETED, reserved, charged, again, step("confirm", shopv1.StepKind_RETRYABLE, 0, 1, "")))
	w.Want(cmdutil.ExitOK, "order", "follow", "o-1")
	var got []string
	for line := range strings.Lines(w.Out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	clitest.WantEqual(t, strings.Join(got, "\n"), `+0ms reserve done
RUNNING: interrupted: any replica of checkout finishes it, or takes it back
+0ms charge done
+0ms confirm failed: no stamps
PLACED: paid and shipped; the rest is repeated until it succeeds
+0ms confirm failed 2 times: no stamps
PLACED: paid and shipped; the rest is repeated until it succeeds
+0ms confirm done
COMPLETED: paid, shipped and confirmed`)
	w, _ = serve(t, stuck())
	w.Want(cmdutil.ExitFailed, "order", "follow", "last", "-o", "json")
	w.WantOut(`"state":"STUCK"`)
}

func TestAnOrderIsFollowedThoughCheckoutIsOnlyStarting(t *testing.T) {
	w, _ := serveAfter(t, 1, order(shopv1.OrderState_COMPLETED, step("reserve", shopv1.StepKind_COMPENSATABLE, 0, 1, "")))
	w.Want(cmdutil.ExitOK, "order", "follow", "last")
	w.WantOut("COMPLETED")
}

func TestAnOrderIsSettledByHandWithAReason(t *testing.T) {
	w, c := serve(t, stuck())
	w.Want(cmdutil.ExitUsage, "order", "retry", "o-1")
	w.WantErr("a reason is missing", `shopctl order retry`)
	w.Want(cmdutil.ExitUsage, "order", "cancel", "o-1")
	w.WantErr("a reason is missing", `shopctl order cancel`)
	w.Want(cmdutil.ExitFailed, "order", "retry", "o-1", "--reason", "payment is back") // it is stuck again
	if w.WantOut("STUCK"); c.reason != "payment is back" {
		t.Errorf("the reason is %q", c.reason)
	}
	w, c = serve(t, order(shopv1.OrderState_FAILED))
	w.Want(cmdutil.ExitOK, "order", "cancel", "o-1", "--reason", "cash", "--close")
	if w.WantOut("FAILED"); c.reason != "cash" || !c.closed {
		t.Errorf("the reason is %q, closed %t", c.reason, c.closed)
	}
}

func TestIDsOfOrdersAreCompleted(t *testing.T) {
	w, _ := serve(t, stuck())
	w.Want(cmdutil.ExitOK, "__complete", "order", "show", "")
	w.WantOut("o-1\tSTUCK")
}
