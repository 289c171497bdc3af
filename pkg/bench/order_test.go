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

// orders is how many are placed in a round. A cart is empty after its order, so each has its own.
const orders = 1200

// BenchmarkPlaceOrder orders two items in EUR from 8 workers over one connection, tracing and metrics on.
func BenchmarkPlaceOrder(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		check(b, "order", costInEchoes(b, s, "order", orderer(b, s)))
	}
}

// orderer fills the carts of all rounds, and returns what places the orders of one.
func orderer(b *testing.B, s *shop) func() int64 {
	b.Helper()
	client := pb.NewCheckoutServiceClient(dial(b, s.addr("checkout")))
	placed := int64(0)
	fillCarts(b, s, orders*(rounds+1))
	return func() int64 {
		var next atomic.Int64
		next.Store(placed)
		placed += orders
		return calls(b, 8, time.Minute, func(int) (bool, error) {
			n := next.Add(1)
			if n > placed {
				return false, nil
			}
			_, err := client.PlaceOrder(b.Context(), order(n))
			return true, err
		})
	}
}

func fillCarts(b *testing.B, s *shop, carts int64) {
	b.Helper()
	fillSome(b, s, 1, carts+1)
}

// fillSome fills the carts of the users from one number to before another.
func fillSome(b *testing.B, s *shop, from, to int64) {
	b.Helper()
	client := pb.NewCartServiceClient(dial(b, s.addr("cart")))
	var next atomic.Int64
	next.Store(from - 1)
	calls(b, 16, time.Minute, func(int) (bool, error) {
		n := next.Add(1)
		if n >= to {
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

// BenchmarkHome gets the home page from 8 workers. In dollars it makes 4 calls; in euros 12, since each price is
// converted.
func BenchmarkHome(b *testing.B) {
	for currency, name := range map[string]string{"USD": "home page in dollars", "EUR": "home page in euros"} {
		b.Run(currency, func(b *testing.B) {
			for b.Loop() {
				s := startShop(b)
				client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
				cost := costInEchoes(b, s, "page", func() int64 {
					return calls(b, 8, 2*time.Second, func(int) (bool, error) { return true, get(client, s.URL, currency) })
				})
				client.CloseIdleConnections()
				check(b, name, cost)
			}
		})
	}
}

// get fetches a page as a visitor with that currency.
func get(client *http.Client, url, currency string) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.AddCookie(&http.Cookie{Name: "shop_currency", Value: currency})
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, res.Status)
	}
	return nil
}
