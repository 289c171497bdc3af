package bench

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// carts is how many orders can be placed: a cart is empty after its order.
const carts = 6000

// BenchmarkPlaceOrder orders two items in EUR from 8 workers over one connection, tracing and metrics on.
// Goal: at least 1/24 of the echo rate.
func BenchmarkPlaceOrder(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		fillCarts(b, s)
		echo := echoRate(b)
		client := pb.NewCheckoutServiceClient(dial(b, s.addr("checkout")))
		var next atomic.Int64
		orders := rate(b, 8, 20*time.Second, func(int) (bool, error) {
			n := next.Add(1)
			if n > carts {
				return false, nil
			}
			_, err := client.PlaceOrder(b.Context(), order(n))
			return true, err
		})
		b.ReportMetric(echo, "echo/s")
		b.ReportMetric(orders, "orders/s")
		goal(b, echo/orders, 24, "echo:order")
	}
}

func fillCarts(b *testing.B, s *shop) {
	b.Helper()
	client := pb.NewCartServiceClient(dial(b, s.addr("cart")))
	var next atomic.Int64
	rate(b, 16, time.Minute, func(int) (bool, error) {
		n := next.Add(1)
		if n > carts {
			return false, nil
		}
		for _, item := range []*pb.CartItem{{ProductId: "OLJCESPC7Z", Quantity: 1}, {ProductId: "LS4PSXUNUM", Quantity: 2}} {
			if _, err := client.AddItem(b.Context(), &pb.AddItemRequest{UserId: user(n), Item: item}, grpc.WaitForReady(true)); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

func user(n int64) string { return fmt.Sprintf("bench-%d", n) }

func order(n int64) *pb.PlaceOrderRequest {
	return &pb.PlaceOrderRequest{
		UserId:       user(n),
		UserCurrency: "EUR",
		Email:        "someone@example.com",
		Address:      &pb.Address{StreetAddress: "1600 Amphitheatre Parkway", City: "Mountain View", State: "CA", Country: "United States", ZipCode: 94043},
		CreditCard: &pb.CreditCardInfo{
			CreditCardNumber: "4432801561520454", CreditCardCvv: 672,
			CreditCardExpirationYear: int32(time.Now().Year()) + 1, CreditCardExpirationMonth: 1,
		},
	}
}

// BenchmarkHome gets the home page from 8 workers. Goal: at least 1/34 of the echo rate.
func BenchmarkHome(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		echo := echoRate(b)
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
		pages := rate(b, 8, 10*time.Second, func(int) (bool, error) {
			res, err := client.Get(s.URL)
			if err != nil {
				return false, err
			}
			defer res.Body.Close()
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				return false, err
			}
			if res.StatusCode != http.StatusOK {
				return false, fmt.Errorf("home page: %s", res.Status)
			}
			return true, nil
		})
		client.CloseIdleConnections()
		b.ReportMetric(echo, "echo/s")
		b.ReportMetric(pages, "pages/s")
		goal(b, echo/pages, 34, "echo:page")
	}
}

// goal reports a figure that must not exceed limit.
func goal(b *testing.B, got, limit float64, unit string) {
	b.Helper()
	b.ReportMetric(got, unit)
	b.ReportMetric(limit, "goal")
	b.ReportMetric(0, "ns/op")
	if got > limit {
		b.Errorf("%s is %.2f, and the goal is at most %g", unit, got, limit)
	}
}
