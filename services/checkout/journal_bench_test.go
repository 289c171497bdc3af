package checkout

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// BenchmarkJournal is what recording an order costs: before the charge and at the end.
func BenchmarkJournal(b *testing.B) {
	j, err := openJournal("", b.TempDir(), time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = j.store.Close() })
	req := &hipstershop.PlaceOrderRequest{UserId: "u", UserCurrency: "EUR", Email: "someone@example.com", CreditCard: &hipstershop.CreditCardInfo{CreditCardNumber: "4432801561520454"}}
	cost := &hipstershop.Money{CurrencyCode: "EUR", Units: 17, Nanos: 980_000_000}
	for n := 0; b.Loop(); n++ {
		p := &purchase{key: fmt.Sprint("session/", n), request: fingerprintOf(req), user: req.GetUserId(), email: req.GetEmail()}
		p.order = &hipstershop.OrderResult{
			ShippingAddress: &hipstershop.Address{StreetAddress: "1600 Amphitheatre Parkway", City: "Mountain View", State: "CA", Country: "United States", ZipCode: 94043},
			ShippingCost:    cost, Items: []*hipstershop.OrderItem{{Item: &hipstershop.CartItem{ProductId: "OLJCESPC7Z", Quantity: 1}, Cost: cost}, {Item: &hipstershop.CartItem{ProductId: "LS4PSXUNUM", Quantity: 2}, Cost: cost}},
		}
		if err := p.name(); err != nil {
			b.Fatal(err)
		}
		if mine, err := j.reserve(p); !mine || err != nil {
			b.Fatal(mine, err)
		}
		p.state, p.emptied, p.confirmed = placed, true, true
		if mine, err := j.save(p, 0); !mine || err != nil {
			b.Fatal(mine, err)
		}
	}
}
