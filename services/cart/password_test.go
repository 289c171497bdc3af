package cart_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/services/cart"
	"github.com/shopctl/shopctl/services/cart/rediscart/rediscarttest"
)

func startWithPassword(t *testing.T, addr, password string) (hipstershop.CartServiceClient, *chassistest.Service) {
	t.Helper()
	s := chassistest.Start(t, cart.Setup, map[string]string{"REDIS_ADDR": addr, "REDIS_PASSWORD": password}, chassistest.WithName("cartservice"))
	return hipstershop.NewCartServiceClient(s.Conn()), s
}

func TestTheStoreServesACartThatKnowsItsPassword(t *testing.T) {
	const password = "correct-horse"
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		redis := rediscarttest.StartWithPassword(t, engine, password)
		c, s := startWithPassword(t, redis.Addr, password)
		waitHealth(t, s, healthpb.HealthCheckResponse_SERVING)
		mustAdd(t, c, "u", "MUG", 1)
		wantCart(t, c, "u", "MUG 1")

		for wrong, why := range map[string]string{"": "NOAUTH", "another": "WRONGPASS"} {
			c, s := startWithPassword(t, redis.Addr, wrong)
			for call, err := range calls(t, c) {
				if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), why) {
					t.Errorf("%s with the password %q gives %v", call, wrong, err)
				}
			}
			if wrong != "" && strings.Contains(s.Logs(), wrong) {
				t.Errorf("the password is in the log:\n%s", s.Logs())
			}
		}
	})
}
