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
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// How long a page waits for each neighbour. What a page cannot do without gets long, what decorates
// it gets brief or less: a page never hangs because a neighbour does.
const (
	orderPatience  = 10 * time.Second // an order is nine calls and a card
	pagePatience   = 3 * time.Second
	badgePatience  = 500 * time.Millisecond
	pricePatience  = time.Second // conversions; then prices are shown in USD
	recsPatience   = 400 * time.Millisecond
	adsPatience    = 100 * time.Millisecond
	pricesFresh    = time.Second      // how long a converted price is reused
	listFresh      = 30 * time.Second // how long the list of currencies is
	maxPrices      = 4096
	maxConcurrency = 16 // conversions of one page at the same time
)

// Names of the neighbours, as people type them and as error pages show them.
const (
	hopCatalog        = "catalog"
	hopCurrency       = "currency"
	hopCart           = "cart"
	hopRecommendation = "recommendation"
	hopShipping       = "shipping"
	hopCheckout       = "checkout"
	hopAd             = "ad"
	hopPayment        = "payment"
)

// hopError is a neighbour that failed.
type hopError struct {
	hop string
	err error
}

func (e *hopError) Error() string { return fmt.Sprintf("call %s: %v", e.hop, e.err) }
func (e *hopError) Unwrap() error { return e.err }

// code is the gRPC status code of the failure.
func (e *hopError) code() codes.Code {
	if s := status.FromContextError(e.err); s.Code() != codes.Unknown {
		return s.Code()
	}
	return status.Code(e.err)
}

// neighbours are the services that the storefront calls.
type neighbours struct {
	catalog        pb.ProductCatalogServiceClient
	currency       pb.CurrencyServiceClient
	cart           pb.CartServiceClient
	recommendation pb.RecommendationServiceClient
	shipping       pb.ShippingServiceClient
	checkout       pb.CheckoutServiceClient
	ad             pb.AdServiceClient
	// payment is for REST alone; nil where nobody says where it is.
	payment pb.PaymentServiceClient

	prices *memo[priceKey, *pb.Money]
	list   *memo[struct{}, []string]
}

// dial connects to all neighbours.
func dial(rt *chassis.Runtime) (*neighbours, error) {
	var firstErr error
	n := connect(rt.Now, func(env string, repeatable ...string) grpc.ClientConnInterface {
		conn, err := rt.Dial(env, chassis.WithTimeout(pagePatience), chassis.WithRetry(repeatable...))
		if err != nil && firstErr == nil {
			firstErr = err
		}
		return conn
	})
	if rt.Getenv("PAYMENT_SERVICE_ADDR") != "" && firstErr == nil {
		conn, err := rt.Dial("PAYMENT_SERVICE_ADDR", chassis.WithTimeout(pagePatience))
		if err != nil {
			return nil, err
		}
		n.payment = pb.NewPaymentServiceClient(conn)
	}
	return n, firstErr
}

// connect makes the neighbours' clients. conn connects to the service whose address an environment
// variable holds, and repeats the methods given, which may be repeated without harm, when it is not there.
func connect(now func() time.Time, conn func(env string, repeatable ...string) grpc.ClientConnInterface) *neighbours {
	return &neighbours{
		catalog: pb.NewProductCatalogServiceClient(conn("PRODUCT_CATALOG_SERVICE_ADDR",
			pb.ProductCatalogService_ListProducts_FullMethodName, pb.ProductCatalogService_GetProduct_FullMethodName,
			pb.ProductCatalogService_SearchProducts_FullMethodName)),
		currency: pb.NewCurrencyServiceClient(conn("CURRENCY_SERVICE_ADDR",
			pb.CurrencyService_GetSupportedCurrencies_FullMethodName, pb.CurrencyService_Convert_FullMethodName)),
		cart: pb.NewCartServiceClient(conn("CART_SERVICE_ADDR",
			pb.CartService_GetCart_FullMethodName, pb.CartService_EmptyCart_FullMethodName)),
		recommendation: pb.NewRecommendationServiceClient(conn("RECOMMENDATION_SERVICE_ADDR",
			pb.RecommendationService_ListRecommendations_FullMethodName)),
		shipping: pb.NewShippingServiceClient(conn("SHIPPING_SERVICE_ADDR", pb.ShippingService_GetQuote_FullMethodName)),
		checkout: pb.NewCheckoutServiceClient(conn("CHECKOUT_SERVICE_ADDR")),
		ad:       pb.NewAdServiceClient(conn("AD_SERVICE_ADDR", pb.AdService_GetAds_FullMethodName)),
		prices:   newMemo[priceKey, *pb.Money](now, pricesFresh, pricePatience, maxPrices),
		list:     newMemo[struct{}, []string](now, listFresh, pricePatience, 1),
	}
}

// ask calls a neighbour and names it in the error.
func ask[Req, Resp any](ctx context.Context, hop string, patience time.Duration,
	call func(context.Context, Req, ...grpc.CallOption) (Resp, error), req Req,
) (Resp, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	resp, err := call(ctx, req)
	if err != nil {
		return resp, &hopError{hop, err}
	}
	return resp, nil
}

func (n *neighbours) products(ctx context.Context) ([]*pb.Product, error) {
	resp, err := ask(ctx, hopCatalog, pagePatience, n.catalog.ListProducts, &pb.Empty{})
	return resp.GetProducts(), err
}

func (n *neighbours) product(ctx context.Context, id string) (*pb.Product, error) {
	return ask(ctx, hopCatalog, pagePatience, n.catalog.GetProduct, &pb.GetProductRequest{Id: id})
}

func (n *neighbours) search(ctx context.Context, query string) ([]*pb.Product, error) {
	resp, err := ask(ctx, hopCatalog, pagePatience, n.catalog.SearchProducts, &pb.SearchProductsRequest{Query: query})
	return resp.GetResults(), err
}

func (n *neighbours) items(ctx context.Context, user string, patience time.Duration) ([]*pb.CartItem, error) {
	resp, err := ask(ctx, hopCart, patience, n.cart.GetCart, &pb.GetCartRequest{UserId: user})
	return resp.GetItems(), err
}

func (n *neighbours) addItem(ctx context.Context, user, product string, quantity int) error {
	_, err := ask(ctx, hopCart, pagePatience, n.cart.AddItem, &pb.AddItemRequest{
		UserId: user, Item: &pb.CartItem{ProductId: product, Quantity: int32(quantity)},
	})
	return err
}

func (n *neighbours) emptyCart(ctx context.Context, user string) error {
	_, err := ask(ctx, hopCart, pagePatience, n.cart.EmptyCart, &pb.EmptyCartRequest{UserId: user})
	return err
}

// recommend returns ids of products that go with those given.
func (n *neighbours) recommend(ctx context.Context, user string, ids []string) ([]string, error) {
	resp, err := ask(ctx, hopRecommendation, recsPatience, n.recommendation.ListRecommendations,
		&pb.ListRecommendationsRequest{UserId: user, ProductIds: ids})
	return resp.GetProductIds(), err
}

func (n *neighbours) ads(ctx context.Context, keys []string) ([]*pb.Ad, error) {
	resp, err := ask(ctx, hopAd, adsPatience, n.ad.GetAds, &pb.AdRequest{ContextKeys: keys})
	return resp.GetAds(), err
}

// quote returns what shipping costs in USD; the quote does not depend on the address, as in the original.
func (n *neighbours) quote(ctx context.Context, items []*pb.CartItem) (*pb.Money, error) {
	resp, err := ask(ctx, hopShipping, pricePatience, n.shipping.GetQuote, &pb.GetQuoteRequest{Items: items})
	return resp.GetCostUsd(), err
}

// placeOrder orders what is in the user's cart. A repeated call with the same key is the same order.
func (n *neighbours) placeOrder(ctx context.Context, key string, req *pb.PlaceOrderRequest) (*pb.OrderResult, error) {
	ctx = metadata.AppendToOutgoingContext(ctx, "idempotency-key", key)
	resp, err := ask(ctx, hopCheckout, orderPatience, n.checkout.PlaceOrder, req)
	return resp.GetOrder(), err
}
