package warehouse

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// listDefault and listMost are how many orders a list has, if its request does not say, and at most.
const listDefault, listMost = 20, 500

// server implements shopctl.shop.v1.Warehouse.
type server struct {
	shopv1.UnimplementedWarehouseServer
	projection *projection
}

// GetPacking returns what is known of an order.
func (s server) GetPacking(_ context.Context, in *shopv1.GetPackingRequest) (*shopv1.Packing, error) {
	if in.GetOrderId() == "" {
		return nil, status.Error(codes.InvalidArgument, "order_id is missing")
	}
	found, err := s.projection.packings("order_id = ?", in.GetOrderId())
	switch {
	case err != nil:
		return nil, unreadable(err)
	case len(found) == 0:
		return nil, status.Errorf(codes.NotFound, "no event has told of an order %q yet", in.GetOrderId())
	}
	return found[0], nil
}

// ListPackings returns the orders that were heard of last.
func (s server) ListPackings(_ context.Context, in *shopv1.ListPackingsRequest) (*shopv1.ListPackingsResponse, error) {
	limit := in.GetLimit()
	switch {
	case limit < 0 || limit > listMost:
		return nil, status.Errorf(codes.InvalidArgument, "limit is %d, want 0 to %d", limit, listMost)
	case limit == 0:
		limit = listDefault
	}
	found, err := s.projection.packings("heard > 0 ORDER BY heard DESC LIMIT ?", int64(limit))
	if err != nil {
		return nil, unreadable(err)
	}
	events, err := s.projection.events()
	if err != nil {
		return nil, unreadable(err)
	}
	return &shopv1.ListPackingsResponse{Packings: found, Events: events}, nil
}

// ListStock returns what orders took.
func (s server) ListStock(context.Context, *shopv1.ListStockRequest) (*shopv1.ListStockResponse, error) {
	found, err := s.projection.stock()
	if err != nil {
		return nil, unreadable(err)
	}
	return &shopv1.ListStockResponse{Products: found}, nil
}

func unreadable(err error) error { return status.Errorf(codes.Unavailable, "the projection: %v", err) }

func timeOf(ms int64) *timestamppb.Timestamp { return timestamppb.New(time.UnixMilli(ms)) }
