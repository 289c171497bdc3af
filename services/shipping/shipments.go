package shipping

import (
	"context"
	"log/slog"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// shipments implements shopctl.shop.v1.Shipments.
type shipments struct {
	shopv1.UnimplementedShipmentsServer
	parcels *parcels
	log     *slog.Logger
}

// CancelShipment bars a key from shipping, and cancels what it has shipped.
func (s shipments) CancelShipment(ctx context.Context, in *shopv1.CancelShipmentRequest) (*shopv1.CancelShipmentResponse, error) {
	key := in.GetIdempotencyKey()
	if key == "" {
		return nil, status.Error(codes.InvalidArgument, "idempotency_key is missing: that of the shipment to cancel")
	}
	id, first, err := s.parcels.cancel(key)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "not canceled: %v", err)
	}
	if first && id != "" {
		s.log.InfoContext(ctx, "parcel canceled", "tracking_id", id)
	}
	return &shopv1.CancelShipmentResponse{TrackingId: id}, nil
}
