package shipping

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// lastUpdate is the sequence of a parcel's last update: states are numbered in their order, from 1.
const lastUpdate = int32(shopv1.ParcelState_DELIVERED)

// Between two states of a parcel.
const (
	defaultPace = 3 * time.Second
	maxPace     = 24 * time.Hour
)

func checkPace(pace time.Duration) error {
	if pace <= 0 || pace > maxPace {
		return fmt.Errorf(`read PARCEL_PACE=%s: want a duration above zero and up to %s, such as "2s"`, pace, maxPace)
	}
	return nil
}

// tracking follows parcels. It keeps no state between calls: a parcel's history is computed from its id.
type tracking struct {
	shopv1.UnimplementedTrackingServer
	now  func() time.Time
	pace time.Duration
	// draining is closed when the service begins to drain.
	draining <-chan struct{}
	log      *slog.Logger
}

// Follow sends the updates of a parcel after the one that the client has. At most one update waits in the stream: a
// client that reads slowly makes Send wait, and later updates are computed when they are due to be sent.
func (t *tracking) Follow(in *shopv1.FollowRequest, out grpc.ServerStreamingServer[shopv1.StatusUpdate]) (err error) {
	start, err := t.find(in)
	if err != nil {
		return err
	}
	ctx, last := out.Context(), in.GetAfter()
	defer func() { t.ended(ctx, in, last, err) }()
	for sequence := last + 1; sequence <= lastUpdate; sequence++ {
		at := start.Add(time.Duration(sequence-1) * t.pace)
		if err := t.await(ctx, at, in.GetTrackingId(), last); err != nil {
			return err
		}
		update := &shopv1.StatusUpdate{
			TrackingId: in.GetTrackingId(), Sequence: sequence, State: shopv1.ParcelState(sequence), Time: timestamppb.New(at),
		}
		if err := out.Send(update); err != nil {
			return err
		}
		last = sequence
	}
	return nil
}

// find returns when the parcel was shipped.
func (t *tracking) find(in *shopv1.FollowRequest) (time.Time, error) {
	id, after := in.GetTrackingId(), in.GetAfter()
	if id == "" {
		return time.Time{}, status.Error(codes.InvalidArgument, "tracking_id is missing: which parcel to follow")
	}
	start, ok := labeled(id, t.now())
	switch {
	case !ok:
		return time.Time{}, status.Errorf(codes.NotFound, "no parcel with tracking id %q", id)
	case after < 0:
		return time.Time{}, status.Errorf(codes.InvalidArgument, "after is %d: want the sequence of the last update that arrived, or 0", after)
	case after > lastUpdate:
		return time.Time{}, status.Errorf(codes.OutOfRange, "after is %d: the last update of a parcel is number %d", after, lastUpdate)
	}
	return start, nil
}

// await returns nil at the given time, or earlier the reason why the stream ends.
func (t *tracking) await(ctx context.Context, at time.Time, id string, last int32) error {
	left := at.Sub(t.now())
	if left <= 0 {
		return nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-t.draining:
		return status.Errorf(codes.Unavailable, "this instance is shutting down: follow %s again, after %d", id, last)
	}
}

// ended logs how many updates a stream sent. The chassis logs those that were refused.
func (t *tracking) ended(ctx context.Context, in *shopv1.FollowRequest, last int32, err error) {
	trace.SpanFromContext(ctx).SetAttributes(
		attribute.String("shop.tracking_id", in.GetTrackingId()),
		attribute.Int("shop.updates.after", int(in.GetAfter())), attribute.Int("shop.updates.last", int(last)),
	)
	t.log.InfoContext(ctx, "parcel followed", "tracking_id", in.GetTrackingId(),
		"after", in.GetAfter(), "last", last, "code", status.Code(err).String())
}
