// Package checkout is the checkoutservice: it turns a cart into an order.
//
// An order has six steps. Within a step, calls that do not depend on each other are made concurrently:
//
//	cart      what the user wants to buy
//	prepare   each product and its price in the user's currency; what shipping costs, in it too; each rounded to the
//	          currency's smallest unit
//	total     exact, of the rounded prices and quantities: what the receipt shows is what is charged
//	charge    the card; from here on the order is finished or refunded, even if its caller hangs up
//	ship      if that fails, the shipment is canceled unless it was refused, and the charge refunded
//	finish    the cart is emptied, the confirmation sent; neither undoes an order
//
// An error's message names the step and keeps the cause; its details hold the reason (package shoperr). Its code is
// the cause's where the caller can act on it: see outcome.
//
// A caller that sends an idempotency-key in its metadata may repeat a call: it gets the order of the first, or
// ALREADY_EXISTS where the cart has something new since. Orders are recorded in a database in DATA_DIR, which all
// replicas share: before the charge and at the end. So a call may be repeated at another replica, or after a crash:
//
//	interrupted   if the process is gone, its order is finished if the card was charged, else the key is voided
//	in doubt      a charge whose response was lost is voided, unless the caller tries again first
//	refund, mail  one that failed is tried again until it succeeds
//
// The journal has the history of each order, which Orders reports (shopctl.shop.v1): what was tried, how often, and what was taken
// back. An order that is not shipped two minutes after it began is taken back. One whose charge is refused to be refunded is
// stuck, and waits for an operator. With CHECKOUT_DATABASE_URL, the journal is in PostgreSQL, and its replicas may be on several
// machines. With neither that nor DATA_DIR, it is in memory.
//
// With NATS_URL, the address of a NATS server, what happens to orders is written to an outbox in the journal, with what happened
// in one transaction, and sent from there as events, in order and at least once: OrderPlaced, OrderCancelled and so on (package
// shopevent). A server that is gone delays the events and nothing else. With CONFIRM_BY=events, email is not called: it sends the
// confirmation of an order when it receives OrderPlaced.
//
// PRICE_TTL is how long a product's converted price is reused for later orders (default 0: every order fetches
// it). A price may lag behind the catalog's by that much. With REQUEST_COALESCING=false, orders that miss a price at the same time
// each fetch it; otherwise one does, for all.
package checkout

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/cache"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	_, err := setup(rt, rt.Now, rt.Reached)
	return err
}

// setup lets a test set the clock of the journal. reached is called at each point where a crash leaves another state behind.
func setup(rt *chassis.Runtime, now func() time.Time, reached func(point, user string)) (*server, error) {
	c, err := dial(rt)
	if err != nil {
		return nil, err
	}
	amounts, err := amountCache(rt)
	if err != nil {
		return nil, err
	}
	prices := amounts
	if prices.Read, err = countReads(rt.Metrics()); err != nil {
		return nil, err
	}
	journal, err := openJournal(rt.Getenv("CHECKOUT_DATABASE_URL"), rt.DataDir(), now, rt.Log())
	if err != nil {
		return nil, err
	}
	journal.reached = reached
	relay, err := newRelay(rt, journal)
	if err != nil {
		return nil, err
	}
	s := &server{
		clients:     c,
		prices:      cache.New[priceKey, *hipstershop.Money](prices),
		conversions: cache.New[conversionKey, *hipstershop.Money](amounts),
		journal:     journal,
		pause:       pause,
		tracer:      rt.Tracer(),
		log:         rt.Log(),
	}
	hipstershop.RegisterCheckoutServiceServer(rt.Server(), s)
	shopv1.RegisterOrdersServer(rt.Server(), orders{server: s})
	rt.Ready("orders", journal.check)
	rt.Go("settle orders", s.settleInBackground)
	rt.Go("renew leases of orders", s.renewInBackground)
	if s.confirmByEvent, err = confirmsByEvent(rt); err != nil {
		return nil, err
	}
	if relay != nil {
		rt.Go("send events", relay.run)
		rt.OnDrain(relay.close)
	}
	rt.OnDrain(journal.close)
	return s, nil
}

// clients are those of the services that an order needs.
type clients struct {
	cart     hipstershop.CartServiceClient
	catalog  hipstershop.ProductCatalogServiceClient
	currency hipstershop.CurrencyServiceClient
	shipping hipstershop.ShippingServiceClient
	payment  hipstershop.PaymentServiceClient
	refunds  shopv1.RefundsClient
	// shipments takes back what shipping has shipped.
	shipments shopv1.ShipmentsClient
	email     hipstershop.EmailServiceClient
}

// dial connects to all of them. Methods that are safe to repeat are retried: those that read, the refund, the void, and the
// confirmation, which the email service sends once per order.
func dial(rt *chassis.Runtime) (clients, error) {
	var conns [6]grpc.ClientConnInterface
	for i, to := range []struct {
		envVar string
		retry  []string
	}{
		{"CART_SERVICE_ADDR", []string{hipstershop.CartService_GetCart_FullMethodName}},
		{"PRODUCT_CATALOG_SERVICE_ADDR", []string{hipstershop.ProductCatalogService_GetProduct_FullMethodName}},
		{"CURRENCY_SERVICE_ADDR", []string{hipstershop.CurrencyService_Convert_FullMethodName}},
		{"SHIPPING_SERVICE_ADDR", []string{hipstershop.ShippingService_GetQuote_FullMethodName, shopv1.Shipments_CancelShipment_FullMethodName}},
		{"PAYMENT_SERVICE_ADDR", []string{shopv1.Refunds_Refund_FullMethodName, shopv1.Refunds_Void_FullMethodName}},
		{"EMAIL_SERVICE_ADDR", []string{hipstershop.EmailService_SendOrderConfirmation_FullMethodName}},
	} {
		conn, err := rt.Dial(to.envVar, chassis.WithRetry(to.retry...))
		if err != nil {
			return clients{}, err
		}
		conns[i] = conn
	}
	return clients{
		cart:      hipstershop.NewCartServiceClient(conns[0]),
		catalog:   hipstershop.NewProductCatalogServiceClient(conns[1]),
		currency:  hipstershop.NewCurrencyServiceClient(conns[2]),
		shipping:  hipstershop.NewShippingServiceClient(conns[3]),
		payment:   hipstershop.NewPaymentServiceClient(conns[4]),
		refunds:   shopv1.NewRefundsClient(conns[4]),
		shipments: shopv1.NewShipmentsClient(conns[3]),
		email:     hipstershop.NewEmailServiceClient(conns[5]),
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
