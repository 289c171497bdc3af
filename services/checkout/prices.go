package checkout

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/cache"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
)

// maxLookups bounds how many products of one order are looked up at the same time.
const maxLookups = 8

// priceKey is a product's price in a currency, conversionKey an amount in one.
type (
	priceKey      struct{ productID, currency string }
	conversionKey struct {
		code     string
		units    int64
		nanos    int32
		currency string
	}
)

// rememberPrices is more than a shop of this size has products times currencies.
const rememberPrices = 2048

// amountCache configures the caches of converted amounts.
func amountCache(rt *chassis.Runtime) (cache.Config, error) {
	ttl, err := rt.EnvDuration("PRICE_TTL", 0)
	if err != nil {
		return cache.Config{}, err
	}
	coalesce, err := rt.EnvBool("REQUEST_COALESCING", true)
	return cache.Config{TTL: ttl, FetchTimeout: orderTimeout, Limit: rememberPrices, Now: rt.Now, Separate: !coalesce}, err
}

// countReads registers a counter of the prices that orders need.
func countReads(metrics prometheus.Registerer) (func(hit bool), error) {
	reads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "shop_price_reads_total",
		Help: "Prices of products that orders needed: hit if they were cached, else miss.",
	}, []string{"result"})
	if err := metrics.Register(reads); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	hits, misses := reads.WithLabelValues("hit"), reads.WithLabelValues("miss")
	return func(hit bool) {
		if hit {
			hits.Inc()
		} else {
			misses.Inc()
		}
	}, nil
}

// prepare fills in the order's items and the cost of shipping, in the user's currency.
func (s *server) prepare(ctx context.Context, req *hipstershop.PlaceOrderRequest, items []*hipstershop.CartItem, order *hipstershop.OrderResult) error {
	order.Items = make([]*hipstershop.OrderItem, len(items))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxLookups)
	for i, item := range items {
		group.Go(func() error {
			cost, err := s.price(ctx, item.GetProductId(), req.GetUserCurrency())
			order.Items[i] = &hipstershop.OrderItem{Item: item, Cost: cost}
			return err
		})
	}
	cost, err := s.quote(ctx, req, items)
	if err != nil {
		group.Go(func() error { return err })
	}
	order.ShippingCost = cost
	return group.Wait()
}

// quote returns what it costs to ship the items.
func (s *server) quote(ctx context.Context, req *hipstershop.PlaceOrderRequest, items []*hipstershop.CartItem) (*hipstershop.Money, error) {
	quote, err := s.shipping.GetQuote(ctx, &hipstershop.GetQuoteRequest{Address: req.GetAddress(), Items: items})
	if err != nil {
		return nil, stepQuote().fail(err)
	}
	usd, currency := quote.GetCostUsd(), req.GetUserCurrency()
	key := conversionKey{usd.GetCurrencyCode(), usd.GetUnits(), usd.GetNanos(), currency}
	return s.conversions.Get(ctx, key, func(ctx context.Context) (*hipstershop.Money, error) {
		cost, err := s.convert(ctx, usd, currency)
		if err != nil {
			return nil, stepConvertShipping().fail(err)
		}
		return cost, nil
	})
}

// price returns what one of a product costs.
func (s *server) price(ctx context.Context, productID, currency string) (*hipstershop.Money, error) {
	return s.prices.Get(ctx, priceKey{productID, currency}, func(ctx context.Context) (*hipstershop.Money, error) {
		product, err := s.catalog.GetProduct(ctx, &hipstershop.GetProductRequest{Id: productID})
		if err != nil {
			return nil, stepProduct(productID).fail(err)
		}
		cost, err := s.convert(ctx, product.GetPriceUsd(), currency)
		if err != nil {
			return nil, stepConvertPrice(productID, currency).fail(err)
		}
		return cost, nil
	})
}

// convert converts an amount and rounds it to what can be charged, so that the sum of an order is that of the amounts
// on its receipt. It refuses a response that is not an amount in the requested currency: the original's currency service
// returns 0 for a currency that it does not know.
func (s *server) convert(ctx context.Context, amount *hipstershop.Money, currency string) (*hipstershop.Money, error) {
	converted, err := s.currency.Convert(ctx, &hipstershop.CurrencyConversionRequest{From: amount, ToCode: currency})
	if err != nil {
		return nil, err
	}
	rounded, err := money.Round(converted)
	switch {
	case err != nil:
		return nil, status.Error(codes.Internal, err.Error())
	case rounded.GetCurrencyCode() != currency:
		return nil, status.Error(codes.Internal, "currency returned "+money.Decimal(converted)+" instead of an amount in "+currency)
	case money.Sign(rounded) == 0 && money.Sign(amount) != 0:
		return nil, status.Error(codes.InvalidArgument, money.Decimal(amount)+" is worth nothing in "+currency)
	}
	return rounded, nil
}

// sum adds up the order.
func sum(order *hipstershop.OrderResult) (*hipstershop.Money, error) {
	total := order.GetShippingCost()
	for _, item := range order.GetItems() {
		cost, err := money.Multiply(item.GetCost(), int64(item.GetItem().GetQuantity()))
		if err != nil {
			return nil, err
		}
		if total, err = money.Add(total, cost); err != nil {
			return nil, err
		}
	}
	return total, nil
}
