package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

const (
	keyHeader   = "idempotency-key"
	callTimeout = 5 * time.Second
)

type server struct {
	hipstershop.UnimplementedCheckoutServiceServer
	cart      hipstershop.CartServiceClient
	catalog   hipstershop.ProductCatalogServiceClient
	currency  hipstershop.CurrencyServiceClient
	email     hipstershop.EmailServiceClient
	shipping  hipstershop.ShippingServiceClient
	shipments shopv1.ShipmentsClient
	payment   hipstershop.PaymentServiceClient
	refunds   shopv1.RefundsClient
	journal   *journal
	wrong     mistake

	mu   sync.Mutex
	busy map[string]bool // keys that are worked on
}

// take makes the caller the only one who works on a key.
func (s *server) take(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[key] {
		return false
	}
	s.busy[key] = true
	return true
}

func (s *server) give(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, key)
}

// PlaceOrder buys what is in a user's cart. A call with the key of an earlier one gets that one's order.
func (s *server) PlaceOrder(ctx context.Context, req *hipstershop.PlaceOrderRequest) (*hipstershop.PlaceOrderResponse, error) {
	key := uuid.NewString()
	if values := metadata.ValueFromIncomingContext(ctx, keyHeader); len(values) > 0 {
		key = values[0]
	}
	if !s.take(key) {
		return nil, status.Error(codes.Unavailable, "the order is under way")
	}
	defer s.give(key)
	switch r := s.journal.find(key); r.State {
	case charging, shipping:
		return nil, status.Error(codes.Unavailable, "the order is taken back: call again")
	case shipped, done:
		return answer(r)
	}
	ctx = metadata.NewOutgoingContext(context.WithoutCancel(ctx), traceOf(ctx))
	order, total, err := s.prepare(ctx, req)
	if err != nil {
		return nil, err
	}
	r := record{Key: key, ID: order.GetOrderId(), User: req.GetUserId(), Email: req.GetEmail(), State: charging}
	if err := s.keep(&r, order); err != nil {
		return nil, err
	}
	if err := s.place(ctx, &r, order, total, req.GetCreditCard()); err != nil {
		if back := s.takeBack(ctx, &r); back != nil { // it is tried again
			err = errors.Join(err, back)
		}
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	_ = s.finish(ctx, &r, order) // it is tried again
	return answer(r)
}

func answer(r record) (*hipstershop.PlaceOrderResponse, error) {
	order := &hipstershop.OrderResult{}
	if err := proto.Unmarshal(r.Order, order); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &hipstershop.PlaceOrderResponse{Order: order}, nil
}

// keep records an order as it is.
func (s *server) keep(r *record, order *hipstershop.OrderResult) (err error) {
	if r.Order, err = proto.Marshal(order); err != nil {
		return err
	}
	return s.journal.write(*r)
}

// place charges and ships.
func (s *server) place(ctx context.Context, r *record, order *hipstershop.OrderResult, total *hipstershop.Money, card *hipstershop.CreditCardInfo) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	paying := keyed(ctx, r.ID)
	if s.wrong == notIdempotent {
		paying = ctx
	}
	charge, err := s.payment.Charge(paying, &hipstershop.ChargeRequest{Amount: total, CreditCard: card})
	if err != nil {
		return err
	}
	r.State, r.Transaction = shipping, charge.GetTransactionId()
	if err := s.journal.write(*r); err != nil {
		return err
	}
	sent, err := s.shipping.ShipOrder(keyed(ctx, r.ID), &hipstershop.ShipOrderRequest{Address: order.GetShippingAddress(), Items: itemsOf(order)})
	if err != nil {
		return err
	}
	order.ShippingTrackingId, r.State = sent.GetTrackingId(), shipped
	if s.wrong == commitFirst {
		r.State = done
	}
	return s.keep(r, order)
}

// finish empties the cart and sends the mail.
func (s *server) finish(ctx context.Context, r *record, order *hipstershop.OrderResult) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := s.cart.EmptyCart(ctx, &hipstershop.EmptyCartRequest{UserId: r.User}); err != nil {
		return err
	}
	if _, err := s.email.SendOrderConfirmation(ctx, &hipstershop.SendOrderConfirmationRequest{Email: r.Email, Order: order}); err != nil {
		return err
	}
	r.State = done
	return s.journal.write(*r)
}

// takeBack cancels the shipment and returns the charge, whether or not there is one.
func (s *server) takeBack(ctx context.Context, r *record) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := s.shipments.CancelShipment(ctx, &shopv1.CancelShipmentRequest{IdempotencyKey: r.ID, Reason: "the order was given up"}); err != nil {
		return err
	}
	if s.wrong != noCompensation {
		if _, err := s.refunds.Void(ctx, &shopv1.VoidRequest{IdempotencyKey: r.ID, Reason: "the order was given up"}); err != nil {
			return err
		}
	}
	if s.wrong == notIdempotent && r.Transaction != "" {
		if _, err := s.refunds.Refund(ctx, &shopv1.RefundRequest{TransactionId: r.Transaction, Reason: "the order was given up"}); err != nil {
			return err
		}
	}
	r.State = failed
	return s.journal.write(*r)
}

// settle brings orders to their end that were left: by this process, or by the one before.
func (s *server) settle(ctx context.Context) {
	for ; ctx.Err() == nil; pause(ctx) {
		for _, r := range s.journal.open() {
			if s.take(r.Key) {
				_ = s.settleOne(ctx, s.journal.find(r.Key)) // it is tried again
				s.give(r.Key)
			}
		}
	}
}

func pause(ctx context.Context) {
	timer := time.NewTimer(settleEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (s *server) settleOne(ctx context.Context, r record) error {
	switch r.State {
	case charging, shipping:
		return s.takeBack(ctx, &r)
	case shipped:
		order := &hipstershop.OrderResult{}
		if err := proto.Unmarshal(r.Order, order); err != nil {
			return err
		}
		return s.finish(ctx, &r, order)
	}
	return nil
}

func keyed(ctx context.Context, key string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, keyHeader, key)
}

// traceOf passes the trace context on, so that the calls of an order are one trace.
func traceOf(ctx context.Context) metadata.MD {
	return metadata.MD{"traceparent": metadata.ValueFromIncomingContext(ctx, "traceparent")}
}

func itemsOf(order *hipstershop.OrderResult) (items []*hipstershop.CartItem) {
	for _, item := range order.GetItems() {
		items = append(items, item.GetItem())
	}
	return items
}

// prepare reads the cart and the prices, and adds them up.
func (s *server) prepare(ctx context.Context, req *hipstershop.PlaceOrderRequest) (*hipstershop.OrderResult, *hipstershop.Money, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	cart, err := s.cart.GetCart(ctx, &hipstershop.GetCartRequest{UserId: req.GetUserId()})
	if err != nil {
		return nil, nil, err
	}
	if len(cart.GetItems()) == 0 {
		return nil, nil, status.Error(codes.FailedPrecondition, "the cart is empty")
	}
	quote, err := s.shipping.GetQuote(ctx, &hipstershop.GetQuoteRequest{Address: req.GetAddress(), Items: cart.GetItems()})
	if err != nil {
		return nil, nil, err
	}
	total, err := s.convert(ctx, quote.GetCostUsd(), req.GetUserCurrency())
	if err != nil {
		return nil, nil, err
	}
	order := &hipstershop.OrderResult{OrderId: uuid.NewString(), ShippingAddress: req.GetAddress(), ShippingCost: total}
	for _, item := range cart.GetItems() {
		product, err := s.catalog.GetProduct(ctx, &hipstershop.GetProductRequest{Id: item.GetProductId()})
		if err != nil {
			return nil, nil, err
		}
		price, err := s.convert(ctx, product.GetPriceUsd(), req.GetUserCurrency())
		if err != nil {
			return nil, nil, err
		}
		cost, err := money.Multiply(price, int64(item.GetQuantity()))
		if err != nil {
			return nil, nil, err
		}
		if total, err = money.Add(total, cost); err != nil {
			return nil, nil, err
		}
		order.Items = append(order.Items, &hipstershop.OrderItem{Item: item, Cost: price})
	}
	return order, total, nil
}

func (s *server) convert(ctx context.Context, price *hipstershop.Money, currency string) (*hipstershop.Money, error) {
	converted, err := s.currency.Convert(ctx, &hipstershop.CurrencyConversionRequest{From: price, ToCode: currency})
	if err != nil {
		return nil, err
	}
	return money.Round(converted)
}
