// Package checkout is the checkoutservice: it turns a cart into an order.
//
// An order is six steps. Within one step, what does not wait for each other goes at the same time:
//
//	cart      what the user wants to buy
//	prepare   each product and its price in the user's currency; what shipping costs, in it too
//	total     exact, of the prices and quantities
//	charge    the card; from here on the order is finished or taken back, even if its caller hangs up
//	ship      if that fails, the charge is refunded
//	finish    the cart is emptied, the confirmation sent; neither undoes an order
//
// An error's text names the step and keeps the cause. Its code is the cause's where the caller can do
// something about it, as outcome tells.
//
// A caller that sends an idempotency-key in its metadata may repeat a call: it gets the order of the
// first. The key goes on to the payment service, so that an attempt which ended in doubt is never charged
// twice either.
//
// PRICE_TTL is how long a product's price, converted, is good for the orders after the one that asked
// (default 1s; 0: every order asks). A price may be so much behind the catalogue's; the visitor saw it
// longer ago than that.
package checkout

import (
	"context"
	_ "embed" // the manifest
	"time"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// Manifest holds the service's Kubernetes objects.
//
//go:embed manifest.yaml
var Manifest []byte

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	n, err := dial(rt)
	if err != nil {
		return err
	}
	ttl, err := rt.EnvDuration("PRICE_TTL", priceTTL)
	if err != nil {
		return err
	}
	hipstershop.RegisterCheckoutServiceServer(rt.Server(), &server{
		neighbours: n,
		prices:     newRecent[priceKey, *hipstershop.Money](ttl, rememberPrices, rt.Now),
		converts:   newRecent[convertKey, *hipstershop.Money](ttl, rememberPrices, rt.Now),
		orders:     newOnce(rememberOrders),
		pause:      pause,
		log:        rt.Log(),
	})
	return nil
}

const (
	priceTTL = time.Second
	// rememberPrices is more than a shop of this size has products times currencies.
	rememberPrices = 2048
)

// neighbours are the services that an order needs.
type neighbours struct {
	cart     hipstershop.CartServiceClient
	catalog  hipstershop.ProductCatalogServiceClient
	currency hipstershop.CurrencyServiceClient
	shipping hipstershop.ShippingServiceClient
	payment  hipstershop.PaymentServiceClient
	refunds  shopv1.RefundsClient
	email    hipstershop.EmailServiceClient
}

// dial connects to all of them. What may be repeated without harm is, while its service is away for a
// moment: all that reads, the refund, and the mail, of which an order has one however often it is asked for.
func dial(rt *chassis.Runtime) (neighbours, error) {
	var conns [6]grpc.ClientConnInterface
	for i, to := range []struct {
		envVar string
		retry  []string
	}{
		{"CART_SERVICE_ADDR", []string{hipstershop.CartService_GetCart_FullMethodName}},
		{"PRODUCT_CATALOG_SERVICE_ADDR", []string{hipstershop.ProductCatalogService_GetProduct_FullMethodName}},
		{"CURRENCY_SERVICE_ADDR", []string{hipstershop.CurrencyService_Convert_FullMethodName}},
		{"SHIPPING_SERVICE_ADDR", []string{hipstershop.ShippingService_GetQuote_FullMethodName}},
		{"PAYMENT_SERVICE_ADDR", []string{shopv1.Refunds_Refund_FullMethodName}},
		{"EMAIL_SERVICE_ADDR", []string{hipstershop.EmailService_SendOrderConfirmation_FullMethodName}},
	} {
		conn, err := rt.Dial(to.envVar, chassis.WithRetry(to.retry...))
		if err != nil {
			return neighbours{}, err
		}
		conns[i] = conn
	}
	return neighbours{
		cart:     hipstershop.NewCartServiceClient(conns[0]),
		catalog:  hipstershop.NewProductCatalogServiceClient(conns[1]),
		currency: hipstershop.NewCurrencyServiceClient(conns[2]),
		shipping: hipstershop.NewShippingServiceClient(conns[3]),
		payment:  hipstershop.NewPaymentServiceClient(conns[4]),
		refunds:  shopv1.NewRefundsClient(conns[4]),
		email:    hipstershop.NewEmailServiceClient(conns[5]),
	}, nil
}

// pause waits, or returns early when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
