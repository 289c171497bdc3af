package checkout_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
	"github.com/shopctl/shopctl/services/checkout"
)

func TestMain(m *testing.M) {
	if isChild() {
		runChild()
		return
	}
	goleak.VerifyTestMain(m)
}

// shop is the checkout and its six dependencies, which a test can break.
type shop struct {
	client  pb.CheckoutServiceClient
	service *chassistest.Service
	sink    *chassistest.Sink

	forget bool // keep no record of calls, and break nothing

	mu    sync.Mutex
	calls []string                                            // "Charge", in the order in which they came
	fault map[string]func(ctx context.Context, nth int) error // by method; nil: none
	cart  []*pb.CartItem
	price map[string]*pb.Money
	rate  map[string]int64  // units that one USD is worth, by currency
	paid  map[string]string // transaction by idempotency key
	keys  []string          // of charges
	mails []*pb.SendOrderConfirmationRequest
	taken *pb.Money // the amount of the last charge
	back  []*shopv1.RefundRequest
	sent  map[string]bool   // by idempotency key: false if it was canceled
	lose  bool              // the responses of charges
	lost  bool              // the responses of shipments
	env   map[string]string // of the checkout
}

func usd(units int64, nanos int32) *pb.Money {
	return &pb.Money{CurrencyCode: "USD", Units: units, Nanos: nanos}
}

// open opens a shop whose visitor has two mugs and a watch in the cart.
func open(t testing.TB) *shop {
	t.Helper()
	return openWith(t, nil)
}

// openWith opens one with other dependencies, by the variables that name them.
func openWith(t testing.TB, others map[string]string) *shop {
	t.Helper()
	s := prepareShop(t)
	s.start(t, others)
	return s
}

// prepareShop opens the dependencies alone.
func prepareShop(t testing.TB) *shop {
	t.Helper()
	s := &shop{
		sink:  chassistest.NewSink(t),
		fault: map[string]func(context.Context, int) error{},
		cart:  []*pb.CartItem{{ProductId: "MUG", Quantity: 2}, {ProductId: "WATCH", Quantity: 1}},
		price: map[string]*pb.Money{"MUG": usd(8, 990_000_000), "WATCH": usd(109, 990_000_000)},
		rate:  map[string]int64{"USD": 1, "EUR": 2},
		paid:  map[string]string{},
		sent:  map[string]bool{},
	}
	dependency := func(name string, register func(rt *chassis.Runtime)) string {
		return chassistest.Start(t, func(_ context.Context, rt *chassis.Runtime) error {
			register(rt)
			return nil
		}, nil, chassistest.WithName(name), chassistest.WithSink(s.sink)).Addr
	}
	s.env = map[string]string{
		"CART_SERVICE_ADDR": dependency("cartservice", func(rt *chassis.Runtime) { pb.RegisterCartServiceServer(rt.Server(), carts{shop: s}) }),
		"PRODUCT_CATALOG_SERVICE_ADDR": dependency("productcatalogservice", func(rt *chassis.Runtime) {
			pb.RegisterProductCatalogServiceServer(rt.Server(), catalog{shop: s})
		}),
		"CURRENCY_SERVICE_ADDR": dependency("currencyservice", func(rt *chassis.Runtime) { pb.RegisterCurrencyServiceServer(rt.Server(), currencies{shop: s}) }),
		"SHIPPING_SERVICE_ADDR": dependency("shippingservice", func(rt *chassis.Runtime) {
			pb.RegisterShippingServiceServer(rt.Server(), parcels{shop: s})
			shopv1.RegisterShipmentsServer(rt.Server(), shipments{shop: s})
		}),
		"PAYMENT_SERVICE_ADDR": dependency("paymentservice", func(rt *chassis.Runtime) {
			pb.RegisterPaymentServiceServer(rt.Server(), payments{shop: s})
			shopv1.RegisterRefundsServer(rt.Server(), refunds{shop: s})
		}),
		"EMAIL_SERVICE_ADDR": dependency("emailservice", func(rt *chassis.Runtime) { pb.RegisterEmailServiceServer(rt.Server(), mails{shop: s}) }),
	}
	return s
}

func (s *shop) start(t testing.TB, others map[string]string) {
	t.Helper()
	maps.Copy(s.env, others)
	s.service = chassistest.Start(t, checkout.Setup, s.env, chassistest.WithName("checkoutservice"), chassistest.WithSink(s.sink))
	s.client = pb.NewCheckoutServiceClient(s.service.Conn())
}

// breakIt makes every call of a method fail with an error.
func (s *shop) breakIt(method string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault[method] = func(context.Context, int) error { return err }
}

// order is a request that succeeds.
func order() *pb.PlaceOrderRequest {
	return &pb.PlaceOrderRequest{
		UserId: "u", UserCurrency: "EUR", Email: "someone@example.com",
		Address:    &pb.Address{StreetAddress: "1600 Amphitheatre Parkway", City: "Mountain View", State: "CA", Country: "United States", ZipCode: 94043},
		CreditCard: &pb.CreditCardInfo{CreditCardNumber: "4432801561520454", CreditCardCvv: 672, CreditCardExpirationYear: 2039, CreditCardExpirationMonth: 1},
	}
}

func keyed(ctx context.Context, key string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "idempotency-key", key)
}

// enter notes a call and returns the fault for it, if there is one.
func (s *shop) enter(ctx context.Context, method string) error {
	if s.forget {
		return nil
	}
	s.mu.Lock()
	s.calls = append(s.calls, method)
	nth := 0
	for _, c := range s.calls {
		if c == method {
			nth++
		}
	}
	fault := s.fault[method]
	s.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(ctx, nth)
}

func (s *shop) count(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.calls {
		if c == method {
			n++
		}
	}
	return n
}

// wantCalls checks how often methods were called: "Charge 1 Refund 0".
func (s *shop) wantCalls(t *testing.T, want string) {
	t.Helper()
	words := strings.Fields(want)
	for pair := range slices.Chunk(words, 2) {
		if got := fmt.Sprint(s.count(pair[0])); got != pair[1] {
			t.Errorf("%s was called %s times, want %s; all: %v", pair[0], got, pair[1], s.calls)
		}
	}
}

type carts struct {
	pb.UnimplementedCartServiceServer
	*shop
}

func (c carts) GetCart(ctx context.Context, req *pb.GetCartRequest) (*pb.Cart, error) {
	if err := c.enter(ctx, "GetCart"); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return &pb.Cart{UserId: req.GetUserId(), Items: slices.Clone(c.cart)}, nil
}

func (c carts) EmptyCart(ctx context.Context, _ *pb.EmptyCartRequest) (*pb.Empty, error) {
	if err := c.enter(ctx, "EmptyCart"); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.forget { // another visitor shares it
		c.cart = nil
	}
	return &pb.Empty{}, nil
}

type catalog struct {
	pb.UnimplementedProductCatalogServiceServer
	*shop
}

func (c catalog) GetProduct(ctx context.Context, req *pb.GetProductRequest) (*pb.Product, error) {
	if err := c.enter(ctx, "GetProduct"); err != nil {
		return nil, err
	}
	price, ok := c.price[req.GetId()]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "no product with ID %s", req.GetId())
	}
	return &pb.Product{Id: req.GetId(), PriceUsd: price}, nil
}

type currencies struct {
	pb.UnimplementedCurrencyServiceServer
	*shop
}

func (c currencies) Convert(ctx context.Context, req *pb.CurrencyConversionRequest) (*pb.Money, error) {
	if err := c.enter(ctx, "Convert"); err != nil {
		return nil, err
	}
	rate, ok := c.rate[req.GetToCode()]
	if !ok {
		return nil, status.Errorf(codes.InvalidArgument, "unsupported currency %q", req.GetToCode())
	}
	converted, err := money.Multiply(req.GetFrom(), rate)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	converted.CurrencyCode = req.GetToCode()
	return converted, nil
}

type parcels struct {
	pb.UnimplementedShippingServiceServer
	*shop
}

func (p parcels) GetQuote(ctx context.Context, _ *pb.GetQuoteRequest) (*pb.GetQuoteResponse, error) {
	if err := p.enter(ctx, "GetQuote"); err != nil {
		return nil, err
	}
	return &pb.GetQuoteResponse{CostUsd: usd(8, 990_000_000)}, nil
}

func (p parcels) ShipOrder(ctx context.Context, _ *pb.ShipOrderRequest) (*pb.ShipOrderResponse, error) {
	if err := p.enter(ctx, "ShipOrder"); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := keyOf(ctx)
	if stands, known := p.sent[key]; known && !stands {
		return nil, status.Error(codes.FailedPrecondition, "canceled")
	}
	if !p.forget {
		p.sent[key] = true
	}
	if p.lost {
		return nil, status.Error(codes.Unavailable, "connection reset")
	}
	return &pb.ShipOrderResponse{TrackingId: "UT-44031-220429634"}, nil
}

type payments struct {
	pb.UnimplementedPaymentServiceServer
	*shop
}

func (p payments) Charge(ctx context.Context, req *pb.ChargeRequest) (*pb.ChargeResponse, error) {
	if err := p.enter(ctx, "Charge"); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := keyOf(ctx)
	if p.forget {
		return &pb.ChargeResponse{TransactionId: "transaction"}, nil
	}
	p.keys = append(p.keys, key)
	p.taken = req.GetAmount()
	if p.paid[key] == "" {
		p.paid[key] = fmt.Sprintf("transaction-%d", len(p.paid)+1)
	}
	if p.lose {
		return nil, status.Error(codes.Unavailable, "connection reset")
	}
	return &pb.ChargeResponse{TransactionId: p.paid[key]}, nil
}

type refunds struct {
	shopv1.UnimplementedRefundsServer
	*shop
}

func (r refunds) Refund(ctx context.Context, req *shopv1.RefundRequest) (*shopv1.RefundResponse, error) {
	if err := r.enter(ctx, "Refund"); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.back = append(r.back, req)
	return &shopv1.RefundResponse{RefundId: "refund-1"}, nil
}

func (r refunds) Void(ctx context.Context, req *shopv1.VoidRequest) (*shopv1.VoidResponse, error) {
	if err := r.enter(ctx, "Void"); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := r.paid[req.GetIdempotencyKey()]
	if id == "" {
		return &shopv1.VoidResponse{}, nil
	}
	if !req.GetKeepCharge() {
		delete(r.paid, req.GetIdempotencyKey())
	}
	return &shopv1.VoidResponse{Transaction: &shopv1.Transaction{TransactionId: id}}, nil
}

type mails struct {
	pb.UnimplementedEmailServiceServer
	*shop
}

func (m mails) SendOrderConfirmation(ctx context.Context, req *pb.SendOrderConfirmationRequest) (*pb.Empty, error) {
	if err := m.enter(ctx, "SendOrderConfirmation"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.forget {
		m.mails = append(m.mails, req)
	}
	return &pb.Empty{}, nil
}
