package shipping

import (
	"context"
	"errors"
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

// ListParcels returns what was sent.
func (s shipments) ListParcels(_ context.Context, in *shopv1.ListParcelsRequest) (*shopv1.ListParcelsResponse, error) {
	list, err := s.parcels.list(in.GetAfter(), listMost+1)
	switch {
	case errors.Is(err, errUnknown):
		return nil, status.Errorf(codes.NotFound, "no parcel has the tracking id %q", in.GetAfter())
	case err != nil:
		return nil, status.Errorf(codes.Unavailable, "the record of parcels: %v", err)
	}
	more := len(list) > listMost
	return &shopv1.ListParcelsResponse{Parcels: list[:min(len(list), listMost)], More: more}, nil
}
