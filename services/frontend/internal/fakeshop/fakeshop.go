// Package fakeshop is one small in-memory server for all services that the storefront calls; it fails on
// request. Tests reach it over gRPC, or directly where time is simulated.
package fakeshop

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// Addresses are the variables with the addresses of the services that the storefront calls.
func Addresses() []string {
	return []string{
		"PRODUCT_CATALOG_SERVICE_ADDR", "CURRENCY_SERVICE_ADDR", "CART_SERVICE_ADDR", "RECOMMENDATION_SERVICE_ADDR",
		"SHIPPING_SERVICE_ADDR", "CHECKOUT_SERVICE_ADDR", "AD_SERVICE_ADDR", "PAYMENT_SERVICE_ADDR",
	}
}

// Shop is those services. The zero value is not usable; New returns one.
type Shop struct {
	pb.UnimplementedProductCatalogServiceServer
	pb.UnimplementedCurrencyServiceServer
	pb.UnimplementedCartServiceServer
	shopv1.UnimplementedCartsServer
	pb.UnimplementedRecommendationServiceServer
	pb.UnimplementedShippingServiceServer
	pb.UnimplementedCheckoutServiceServer
	pb.UnimplementedAdServiceServer
	pb.UnimplementedPaymentServiceServer

	// Latency is how long each call takes; for simulated time.
	Latency time.Duration

	mu       sync.Mutex
	products []*pb.Product
	carts    map[string][]*pb.CartItem
	failures map[string]error
	hanging  map[string]bool
	calls    []string
	orders   map[string]*pb.PlaceOrderResponse
	placed   []*pb.PlaceOrderRequest
}

// New makes a shop with the nine products.
func New() *Shop {
	s := &Shop{carts: map[string][]*pb.CartItem{}, failures: map[string]error{}, hanging: map[string]bool{}, orders: map[string]*pb.PlaceOrderResponse{}}
	add := func(id, name, picture string, cents int64, categories ...string) {
		s.products = append(s.products, &pb.Product{
			Id: id, Name: name, Description: "A fine " + strings.ToLower(name) + ", made for the test.", Picture: "/static/img/products/" + picture + ".jpg",
			PriceUsd: &pb.Money{CurrencyCode: "USD", Units: cents / 100, Nanos: int32(cents%100) * 10_000_000}, Categories: categories,
		})
	}
	add("OLJCESPC7Z", "Sunglasses", "sunglasses", 1999, "accessories")
	add("66VCHSJNUP", "Tank Top", "tank-top", 1899, "clothing", "tops")
	add("1YMWWN1N4O", "Watch", "watch", 10999, "accessories")
	add("L9ECAV7KIM", "Loafers", "loafers", 8999, "footwear")
	add("2ZYFJ3GM2N", "Hairdryer", "hairdryer", 2499, "hair", "beauty")
	add("0PUK6V6EV0", "Candle Holder", "candle-holder", 1899, "decor", "home")
	add("LS4PSXUNUM", "Salt & Pepper Shakers", "salt-and-pepper-shakers", 1849, "kitchen")
	add("9SIQT8TOJO", "Bamboo Glass Jar", "bamboo-glass-jar", 549, "kitchen")
	add("6E92ZMYYFZ", "Mug", "mug", 899, "kitchen")
	return s
}

// Serve serves on a free port until the test ends, and returns the address.
func (s *Shop) Serve(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(s.intercept))
	for _, d := range services() {
		server.RegisterService(d, s)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Stop(); <-done })
	return l.Addr().String()
}

func services() []*grpc.ServiceDesc {
	return []*grpc.ServiceDesc{
		&pb.ProductCatalogService_ServiceDesc, &pb.CurrencyService_ServiceDesc, &pb.CartService_ServiceDesc, &pb.RecommendationService_ServiceDesc,
		&pb.ShippingService_ServiceDesc, &pb.CheckoutService_ServiceDesc, &pb.AdService_ServiceDesc,
		&pb.PaymentService_ServiceDesc, &shopv1.Carts_ServiceDesc,
	}
}

// Break makes every call fail whose method ("CartService", "CartService/AddItem") contains the text;
// nil mends it.
func (s *Shop) Break(method string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.failures, method)
		return
	}
	s.failures[method] = err
}

// Kill breaks a service as its death would, with an address in the text that no visitor should see.
func (s *Shop) Kill(service string) {
	s.Break(service, status.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: dial tcp 10.1.2.3:7070: connect: connection refused"`))
}

// Hang makes calls wait until their deadline.
func (s *Shop) Hang(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hanging[method] = true
}

// Calls returns the methods called since the last Calls, "CartService/GetCart", in order of their start.
func (s *Shop) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

// Placed returns the orders that were placed.
func (s *Shop) Placed() []*pb.PlaceOrderRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.placed)
}

// AddProduct adds a product to the catalog.
func (s *Shop) AddProduct(p *pb.Product) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.products = append(s.products, p)
}

func (s *Shop) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	method := strings.TrimPrefix(strings.TrimPrefix(info.FullMethod, "/hipstershop."), "/shopctl.shop.v1.")
	s.mu.Lock()
	s.calls = append(s.calls, method)
	var failure error
	hangs := false
	for text, err := range s.failures {
		if strings.Contains(method, text) {
			failure = err
		}
	}
	for text := range s.hanging {
		hangs = hangs || strings.Contains(method, text)
	}
	latency := s.Latency
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if latency > 0 {
		select {
		case <-time.After(latency):
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
	}
	if failure != nil {
		return nil, failure
	}
	return next(ctx, req)
}

// Direct is a connection without a network, for tests in simulated time.
type Direct struct{ Shop *Shop }

// Invoke calls a method of the shop.
func (d Direct) Invoke(ctx context.Context, method string, args, reply any, _ ...grpc.CallOption) error {
	if md, ok := metadata.FromOutgoingContext(ctx); ok {
		ctx = metadata.NewIncomingContext(ctx, md)
	}
	service, name, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	for _, desc := range services() {
		for _, m := range desc.Methods {
			if desc.ServiceName != service || m.MethodName != name {
				continue
			}
			decode := func(to any) error { proto.Merge(to.(proto.Message), args.(proto.Message)); return nil }
			resp, err := m.Handler(d.Shop, ctx, decode, d.Shop.intercept)
			if err != nil {
				return err
			}
			proto.Merge(reply.(proto.Message), resp.(proto.Message))
			return nil
		}
	}
	return fmt.Errorf("no method %s", method)
}

// NewStream is never called: the contract has no streams.
func (d Direct) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "no streams")
}
