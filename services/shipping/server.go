package shipping

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

type server struct {
	hipstershop.UnimplementedShippingServiceServer
	ids     *issuer
	parcels *parcels
	free    bool
	log     *slog.Logger
	quotes  prometheus.Histogram
}

func newServer(ids *issuer, sent *parcels, free bool, log *slog.Logger, metrics prometheus.Registerer) (*server, error) {
	s := &server{ids: ids, parcels: sent, free: free, log: log, quotes: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "shop_shipping_quote_duration_seconds",
		Help:    "Time to quote the shipping of an order.",
		Buckets: prometheus.ExponentialBuckets(25e-6, 4, 10), // 25 us to 6.6 s
	})}
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "shop_shipping_free",
		Help: "1 where this instance ships for nothing, 0 where it takes the flat rate.",
	})
	if free {
		gauge.Set(1)
	}
	for _, c := range []prometheus.Collector{s.quotes, gauge} {
		if err := metrics.Register(c); err != nil {
			return nil, fmt.Errorf("register metric: %w", err)
		}
	}
	return s, nil
}

// GetQuote returns a flat rate for any parcel to any address, and zero without items or while shipping is free.
func (s *server) GetQuote(_ context.Context, in *hipstershop.GetQuoteRequest) (*hipstershop.GetQuoteResponse, error) {
	defer prometheus.NewTimer(s.quotes).ObserveDuration()
	count, err := pieces(in.GetItems())
	if err != nil {
		return nil, err
	}
	cost := &hipstershop.Money{CurrencyCode: "USD"}
	if count > 0 && !s.free {
		cost.Units, cost.Nanos = 8, 990_000_000
	}
	return &hipstershop.GetQuoteResponse{CostUsd: cost}, nil
}

// ShipOrder pretends to send a parcel: one for each idempotency-key, however often it is called, and one for each call without.
func (s *server) ShipOrder(ctx context.Context, in *hipstershop.ShipOrderRequest) (*hipstershop.ShipOrderResponse, error) {
	to := in.GetAddress()
	if to == nil {
		return nil, status.Error(codes.InvalidArgument, "address is missing: where to ship to")
	}
	count, err := pieces(in.GetItems())
	if err != nil {
		return nil, err
	}
	key, err := chassis.IdempotencyKeyOf(ctx)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	id, first := s.ids.next(to.GetStreetAddress()+", "+to.GetCity()+", "+to.GetState()), true
	if key == "" {
		key = unkeyed + id // a parcel of its own
	}
	id, first, err = s.parcels.send(key, in, id)
	switch {
	case errors.Is(err, errKeyReused):
		return nil, status.Error(codes.InvalidArgument, err.Error())
	case errors.Is(err, errCanceled):
		return nil, status.Error(codes.FailedPrecondition, err.Error())
	case err != nil:
		return nil, status.Errorf(codes.Unavailable, "not shipped: %v", err)
	case !first:
		s.log.InfoContext(ctx, "order shipped before, no second parcel", "tracking_id", id)
	default:
		s.log.InfoContext(ctx, "order shipped", "tracking_id", id, "pieces", count)
	}
	return &hipstershop.ShipOrderResponse{TrackingId: id}, nil
}

// pieces adds up the quantities.
func pieces(items []*hipstershop.CartItem) (int64, error) {
	var count int64
	for _, item := range items {
		if item.GetQuantity() < 0 {
			return 0, status.Errorf(codes.InvalidArgument, "item %q has a quantity of %d", item.GetProductId(), item.GetQuantity())
		}
		count += int64(item.GetQuantity())
	}
	return count, nil
}
