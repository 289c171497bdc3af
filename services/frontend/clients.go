package frontend

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/cache"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// Timeouts of the calls of a page: long for what it needs, short for what decorates it. A page never hangs because a
// service does.
const (
	orderTimeout   = 10 * time.Second // an order is eleven calls
	pageTimeout    = 3 * time.Second
	badgeTimeout   = 500 * time.Millisecond
	priceTimeout   = time.Second // conversions; then prices are shown in USD
	recsTimeout    = 400 * time.Millisecond
	adsTimeout     = 100 * time.Millisecond
	maxPrices      = 4096 // that are cached
	maxConversions = 16   // of one page at the same time
)

// Names of the services, as people type them and as error pages show them.
const (
	nameCatalog        = "catalog"
	nameCurrency       = "currency"
	nameCart           = "cart"
	nameRecommendation = "recommendation"
	nameShipping       = "shipping"
	nameCheckout       = "checkout"
	nameAd             = "ad"
	namePayment        = "payment"
)

// serviceError is the failure of a service.
type serviceError struct {
	service string
	err     error
}

func (e *serviceError) Error() string { return fmt.Sprintf("call %s: %v", e.service, e.err) }
func (e *serviceError) Unwrap() error { return e.err }

// code is the gRPC status code of the failure.
func (e *serviceError) code() codes.Code {
	if s := status.FromContextError(e.err); s.Code() != codes.Unknown {
		return s.Code()
	}
	return status.Code(e.err)
}

// clients are those of the services that the storefront calls.
type clients struct {
	catalog        pb.ProductCatalogServiceClient
	currency       pb.CurrencyServiceClient
	cart           pb.CartServiceClient
	lines          shopv1.CartsClient
	recommendation pb.RecommendationServiceClient
	shipping       pb.ShippingServiceClient
	checkout       pb.CheckoutServiceClient
	ad             pb.AdServiceClient
	// payment is only for REST; nil if its address is not set.
	payment pb.PaymentServiceClient

	prices     *cache.Cache[priceKey, *pb.Money]
	currencies *cache.Cache[struct{}, []string]
}

// cacheTTLs are how long responses of the currency service are reused; 0: not at all.
type cacheTTLs struct {
	prices, currencies time.Duration
	separate           bool // concurrent misses are not coalesced
}

// dial connects to all services.
func dial(rt *chassis.Runtime) (*clients, error) {
	var ttls cacheTTLs
	var err error
	if ttls.prices, err = rt.EnvDuration("PRICE_TTL", 0); err != nil {
		return nil, err
	}
	if ttls.currencies, err = rt.EnvDuration("CURRENCIES_TTL", 0); err != nil {
		return nil, err
	}
	coalesce, err := rt.EnvBool("REQUEST_COALESCING", true)
	if err != nil {
		return nil, err
	}
	ttls.separate = !coalesce
	var firstErr error
	n := connect(rt.Now, ttls, func(env string, repeatable ...string) grpc.ClientConnInterface {
		conn, err := rt.Dial(env, chassis.WithTimeout(pageTimeout), chassis.WithRetry(repeatable...))
		if err != nil && firstErr == nil {
			firstErr = err
		}
		return conn
	})
	if rt.Getenv("PAYMENT_SERVICE_ADDR") != "" && firstErr == nil {
		conn, err := rt.Dial("PAYMENT_SERVICE_ADDR", chassis.WithTimeout(pageTimeout))
		if err != nil {
			return nil, err
		}
		n.payment = pb.NewPaymentServiceClient(conn)
	}
	return n, firstErr
}

// connect makes the clients. conn connects to the service whose address an environment variable holds, and retries the
// methods given, which are safe to repeat, while it is unavailable.
func connect(now func() time.Time, ttls cacheTTLs, conn func(env string, repeatable ...string) grpc.ClientConnInterface) *clients {
	cart := conn("CART_SERVICE_ADDR", pb.CartService_GetCart_FullMethodName, pb.CartService_EmptyCart_FullMethodName, shopv1.Carts_SetItem_FullMethodName)
	return &clients{
		catalog: pb.NewProductCatalogServiceClient(conn("PRODUCT_CATALOG_SERVICE_ADDR",
			pb.ProductCatalogService_ListProducts_FullMethodName, pb.ProductCatalogService_GetProduct_FullMethodName,
			pb.ProductCatalogService_SearchProducts_FullMethodName)),
		currency: pb.NewCurrencyServiceClient(conn("CURRENCY_SERVICE_ADDR",
			pb.CurrencyService_GetSupportedCurrencies_FullMethodName, pb.CurrencyService_Convert_FullMethodName)),
		cart:  pb.NewCartServiceClient(cart),
		lines: shopv1.NewCartsClient(cart),
		recommendation: pb.NewRecommendationServiceClient(conn("RECOMMENDATION_SERVICE_ADDR",
			pb.RecommendationService_ListRecommendations_FullMethodName)),
		shipping:   pb.NewShippingServiceClient(conn("SHIPPING_SERVICE_ADDR", pb.ShippingService_GetQuote_FullMethodName)),
		checkout:   pb.NewCheckoutServiceClient(conn("CHECKOUT_SERVICE_ADDR")),
		ad:         pb.NewAdServiceClient(conn("AD_SERVICE_ADDR", pb.AdService_GetAds_FullMethodName)),
		prices:     cache.New[priceKey, *pb.Money](cache.Config{TTL: ttls.prices, FetchTimeout: priceTimeout, Limit: maxPrices, Now: now, Separate: ttls.separate}),
		currencies: cache.New[struct{}, []string](cache.Config{TTL: ttls.currencies, FetchTimeout: priceTimeout, Limit: 1, Now: now, Separate: ttls.separate}),
	}
}

// call calls a method of a service and names the service in the error.
func call[Req, Resp any](ctx context.Context, service string, timeout time.Duration,
	method func(context.Context, Req, ...grpc.CallOption) (Resp, error), req Req,
) (Resp, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	resp, err := method(ctx, req)
	if err != nil {
		return resp, &serviceError{service, err}
	}
	return resp, nil
}

func (n *clients) products(ctx context.Context) ([]*pb.Product, error) {
	resp, err := call(ctx, nameCatalog, pageTimeout, n.catalog.ListProducts, &pb.Empty{})
	return resp.GetProducts(), err
}

func (n *clients) product(ctx context.Context, id string) (*pb.Product, error) {
	return call(ctx, nameCatalog, pageTimeout, n.catalog.GetProduct, &pb.GetProductRequest{Id: id})
}

func (n *clients) search(ctx context.Context, query string) ([]*pb.Product, error) {
	resp, err := call(ctx, nameCatalog, pageTimeout, n.catalog.SearchProducts, &pb.SearchProductsRequest{Query: query})
	return resp.GetResults(), err
}

func (n *clients) items(ctx context.Context, user string, timeout time.Duration) ([]*pb.CartItem, error) {
	resp, err := call(ctx, nameCart, timeout, n.cart.GetCart, &pb.GetCartRequest{UserId: user})
	return resp.GetItems(), err
}

func (n *clients) addItem(ctx context.Context, user, product string, quantity int) error {
	_, err := call(ctx, nameCart, pageTimeout, n.cart.AddItem, &pb.AddItemRequest{
		UserId: user, Item: &pb.CartItem{ProductId: product, Quantity: int32(quantity)},
	})
	return err
}

// setItem sets the quantity of one line of a cart; 0 removes it.
func (n *clients) setItem(ctx context.Context, user, product string, quantity int) error {
	_, err := call(ctx, nameCart, pageTimeout, n.lines.SetItem, &shopv1.SetItemRequest{UserId: user, ProductId: product, Quantity: int32(quantity)})
	return err
}

func (n *clients) emptyCart(ctx context.Context, user string) error {
	_, err := call(ctx, nameCart, pageTimeout, n.cart.EmptyCart, &pb.EmptyCartRequest{UserId: user})
	return err
}

// recommend returns ids of products that go with the given ones.
func (n *clients) recommend(ctx context.Context, user string, ids []string) ([]string, error) {
	resp, err := call(ctx, nameRecommendation, recsTimeout, n.recommendation.ListRecommendations,
		&pb.ListRecommendationsRequest{UserId: user, ProductIds: ids})
	return resp.GetProductIds(), err
}

func (n *clients) ads(ctx context.Context, keys []string) ([]*pb.Ad, error) {
	resp, err := call(ctx, nameAd, adsTimeout, n.ad.GetAds, &pb.AdRequest{ContextKeys: keys})
	return resp.GetAds(), err
}

// quote returns the cost of shipping in USD, which does not depend on the address, as in the original.
func (n *clients) quote(ctx context.Context, items []*pb.CartItem) (*pb.Money, error) {
	resp, err := call(ctx, nameShipping, priceTimeout, n.shipping.GetQuote, &pb.GetQuoteRequest{Items: items})
	return resp.GetCostUsd(), err
}

// placeOrder orders what is in the user's cart. A repeated call with the same key is the same order.
func (n *clients) placeOrder(ctx context.Context, key string, req *pb.PlaceOrderRequest) (*pb.OrderResult, error) {
	ctx = metadata.AppendToOutgoingContext(ctx, chassis.IdempotencyKey, key)
	resp, err := call(ctx, nameCheckout, orderTimeout, n.checkout.PlaceOrder, req)
	return resp.GetOrder(), err
}
