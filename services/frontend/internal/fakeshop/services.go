package fakeshop

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// ListProducts returns everything.
func (s *Shop) ListProducts(context.Context, *pb.Empty) (*pb.ListProductsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &pb.ListProductsResponse{Products: s.products}, nil
}

// GetProduct returns one product.
func (s *Shop) GetProduct(_ context.Context, req *pb.GetProductRequest) (*pb.Product, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.products {
		if p.Id == req.GetId() {
			return p, nil
		}
	}
	return nil, status.Errorf(codes.NotFound, "no product with ID %s", req.GetId())
}

// SearchProducts looks into names and categories.
func (s *Shop) SearchProducts(_ context.Context, req *pb.SearchProductsRequest) (*pb.SearchProductsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	resp := &pb.SearchProductsResponse{}
	for _, p := range s.products {
		if strings.Contains(strings.ToLower(p.Name+" "+strings.Join(p.Categories, " ")), strings.ToLower(req.GetQuery())) {
			resp.Results = append(resp.Results, p)
		}
	}
	return resp, nil
}

// GetSupportedCurrencies returns the original's first ones and one that the menu does not offer.
func (s *Shop) GetSupportedCurrencies(context.Context, *pb.Empty) (*pb.GetSupportedCurrenciesResponse, error) {
	return &pb.GetSupportedCurrenciesResponse{CurrencyCodes: []string{"EUR", "USD", "JPY", "GBP", "TRY", "CAD", "CHF"}}, nil
}

// Convert knows whole-number rates only: 1 USD is 2 EUR, 100 JPY and 3 of anything else.
func (s *Shop) Convert(_ context.Context, req *pb.CurrencyConversionRequest) (*pb.Money, error) {
	rate := int64(3)
	switch req.GetToCode() {
	case "USD":
		rate = 1
	case "EUR":
		rate = 2
	case "JPY":
		rate = 100
	case "GBP", "TRY", "CAD", "CHF":
	default:
		return nil, status.Errorf(codes.InvalidArgument, "unknown currency %q", req.GetToCode())
	}
	m, err := money.Multiply(req.GetFrom(), rate)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	m.CurrencyCode = req.GetToCode()
	return m, nil
}

// AddItem puts a product into a cart.
func (s *Shop) AddItem(_ context.Context, req *pb.AddItemRequest) (*pb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, item := range s.carts[req.GetUserId()] {
		if item.ProductId == req.GetItem().GetProductId() {
			item.Quantity += req.GetItem().GetQuantity()
			return &pb.Empty{}, nil
		}
	}
	s.carts[req.GetUserId()] = append(s.carts[req.GetUserId()], &pb.CartItem{ProductId: req.GetItem().GetProductId(), Quantity: req.GetItem().GetQuantity()})
	return &pb.Empty{}, nil
}

// SetItem sets a line of a cart; 0 removes it.
func (s *Shop) SetItem(_ context.Context, req *shopv1.SetItemRequest) (*shopv1.SetItemResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.carts[req.GetUserId()] = slices.DeleteFunc(s.carts[req.GetUserId()], func(item *pb.CartItem) bool {
		if item.ProductId == req.GetProductId() {
			item.Quantity = req.GetQuantity()
		}
		return item.Quantity == 0
	})
	return &shopv1.SetItemResponse{}, nil
}

// GetCart returns a copy of a cart.
func (s *Shop) GetCart(_ context.Context, req *pb.GetCartRequest) (*pb.Cart, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cart := &pb.Cart{UserId: req.GetUserId()}
	for _, item := range s.carts[req.GetUserId()] {
		cart.Items = append(cart.Items, &pb.CartItem{ProductId: item.ProductId, Quantity: item.Quantity})
	}
	return cart, nil
}

// EmptyCart empties a cart.
func (s *Shop) EmptyCart(_ context.Context, req *pb.EmptyCartRequest) (*pb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.carts, req.GetUserId())
	return &pb.Empty{}, nil
}

// ListRecommendations returns the first five others.
func (s *Shop) ListRecommendations(_ context.Context, req *pb.ListRecommendationsRequest) (*pb.ListRecommendationsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	resp := &pb.ListRecommendationsResponse{}
	for _, p := range s.products {
		if !strings.Contains(strings.Join(req.GetProductIds(), " "), p.Id) && len(resp.ProductIds) < 5 {
			resp.ProductIds = append(resp.ProductIds, p.Id)
		}
	}
	return resp, nil
}

// GetAds returns one ad.
func (s *Shop) GetAds(context.Context, *pb.AdRequest) (*pb.AdResponse, error) {
	return &pb.AdResponse{Ads: []*pb.Ad{{RedirectUrl: "/product/6E92ZMYYFZ", Text: "Mug for sale."}}}, nil
}

// GetQuote is flat.
func (s *Shop) GetQuote(context.Context, *pb.GetQuoteRequest) (*pb.GetQuoteResponse, error) {
	return &pb.GetQuoteResponse{CostUsd: &pb.Money{CurrencyCode: "USD", Units: 8, Nanos: 990_000_000}}, nil
}

// PlaceOrder orders the cart, once for each idempotency key. A card ending in 0002 is declined, and
// "PaymentService" can be broken.
func (s *Shop) PlaceOrder(ctx context.Context, req *pb.PlaceOrderRequest) (*pb.PlaceOrderResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := ""
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		key = strings.Join(md.Get("idempotency-key"), "")
	}
	if resp, ok := s.orders[key]; ok && key != "" {
		return resp, nil
	}
	items := s.carts[req.GetUserId()]
	if len(items) == 0 {
		return nil, status.Error(codes.FailedPrecondition, "cart is empty")
	}
	if err := s.failures["PaymentService"]; err != nil {
		return nil, status.Errorf(status.Code(err), "failed to charge card: could not charge the card: %v", err)
	}
	if strings.HasSuffix(req.GetCreditCard().GetCreditCardNumber(), "0002") {
		cause := status.Error(codes.InvalidArgument, "Your credit card (ending 0002) expired on 1/2020")
		return nil, status.Errorf(codes.InvalidArgument, "failed to charge card: could not charge the card: %v", cause)
	}
	code := req.GetUserCurrency()
	order := &pb.OrderResult{
		OrderId: fmt.Sprintf("order-%d", len(s.placed)+1), ShippingTrackingId: "AB-12345-678", ShippingAddress: req.GetAddress(),
		ShippingCost: &pb.Money{CurrencyCode: code, Units: 8, Nanos: 990_000_000},
	}
	for _, item := range items {
		order.Items = append(order.Items, &pb.OrderItem{Item: item, Cost: &pb.Money{CurrencyCode: code, Units: 10}})
	}
	resp := &pb.PlaceOrderResponse{Order: order}
	s.orders[key] = resp
	s.placed = append(s.placed, req)
	delete(s.carts, req.GetUserId())
	return resp, nil
}

// Charge names the transaction after the idempotency key, and declines a card ending in 0002.
func (s *Shop) Charge(ctx context.Context, req *pb.ChargeRequest) (*pb.ChargeResponse, error) {
	if strings.HasSuffix(req.GetCreditCard().GetCreditCardNumber(), "0002") {
		return nil, status.Error(codes.InvalidArgument, "Your credit card (ending 0002) expired on 1/2020")
	}
	md, _ := metadata.FromIncomingContext(ctx)
	return &pb.ChargeResponse{TransactionId: "charged " + strings.Join(md.Get("idempotency-key"), "")}, nil
}
