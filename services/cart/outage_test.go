package cart_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/services/cart/rediscart/rediscarttest"
)

func TestAnUnreachableStoreIsUnavailableAndFailsTheHealthCheck(t *testing.T) {
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		redis := rediscarttest.Start(t, engine, dir)
		c, s := start(t, redis.Addr, nil)
		mustAdd(t, c, "u", "MUG", 1)
		waitHealth(t, s, healthpb.HealthCheckResponse_SERVING)

		if err := redis.Stop(); err != nil {
			t.Fatal(err)
		}
		for call, err := range calls(t, c) {
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "cart store unavailable") {
				t.Errorf("%s without a store gives %v", call, err)
			}
		}
		waitHealth(t, s, healthpb.HealthCheckResponse_NOT_SERVING)
		live, err := healthpb.NewHealthClient(s.Conn()).Check(t.Context(), &healthpb.HealthCheckRequest{Service: "liveness"})
		if err != nil || live.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("a cart without a store is %v, %v: want it alive", live, err)
		}

		// A store that comes back, somewhere else, is used at the next call.
		fresh := rediscarttest.Start(t, engine, dir)
		s.Send(lifeline.Down{Endpoints: &map[string][]string{redis.Addr: {fresh.Addr}}})
		waitHealth(t, s, healthpb.HealthCheckResponse_SERVING)
		wantCart(t, c, "u", "MUG 1")
	})
}

func TestAStoreThatHangsIsUnavailable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // connects, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, _ := start(t, l.Addr().String(), nil)
	for call, err := range calls(t, c) {
		if status.Code(err) != codes.Unavailable {
			t.Errorf("%s over a store that hangs gives %v", call, err)
		}
	}
}

func calls(t *testing.T, c hipstershop.CartServiceClient) map[string]error {
	t.Helper()
	_, get := c.GetCart(t.Context(), &hipstershop.GetCartRequest{UserId: "u"})
	_, empty := c.EmptyCart(t.Context(), &hipstershop.EmptyCartRequest{UserId: "u"})
	return map[string]error{"AddItem": add(t, c, "u", "MUG", 1), "GetCart": get, "EmptyCart": empty}
}

// waitHealth watches the service until it is in a state.
func waitHealth(t *testing.T, s *chassistest.Service, want healthpb.HealthCheckResponse_ServingStatus) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watch, err := healthpb.NewHealthClient(s.Conn()).Watch(ctx, &healthpb.HealthCheckRequest{Service: "hipstershop.CartService"}, grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	for {
		got, err := watch.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if got.GetStatus() == want {
			return
		}
	}
}
