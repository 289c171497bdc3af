package lesson

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Streams is the part of the daemon's API that streams events; control.Client has it.
type Streams interface {
	Watch(ctx context.Context, r *controlpb.WatchRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.StatusResponse], error)
	Logs(ctx context.Context, r *controlpb.LogsRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.LogLine], error)
	FollowTraces(ctx context.Context, r *controlpb.FollowTracesRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.TraceSummary], error)
}

// openAgain is the pause before a broken stream is opened again.
const openAgain = time.Second

// WatchEvents follows a shop for Deps.Events. A stream that breaks is opened again; until then the
// goals are evaluated once a second, as ever. Metrics are scraped more often while they are watched, so they are only
// for lessons with a check of them.
func WatchEvents(shop Streams, l *Lesson, now func() time.Time) func(ctx context.Context, note func(Event)) {
	return func(ctx context.Context, note func(Event)) {
		var followed sync.WaitGroup
		if hasCheckFor(l, MetricsScraped) {
			followed.Go(func() {
				follow(ctx, MetricsScraped, note, func() (grpc.ServerStreamingClient[controlpb.StatusResponse], error) {
					return shop.Watch(ctx, &controlpb.WatchRequest{Stats: true})
				})
			})
		}
		followed.Go(func() {
			follow(ctx, StateChanged, note, func() (grpc.ServerStreamingClient[controlpb.StatusResponse], error) {
				return shop.Watch(ctx, &controlpb.WatchRequest{})
			})
		})
		followed.Go(func() {
			follow(ctx, LineWritten, note, func() (grpc.ServerStreamingClient[controlpb.LogLine], error) {
				return shop.Logs(ctx, &controlpb.LogsRequest{Follow: true, Since: timestamppb.New(now())})
			})
		})
		followed.Go(func() {
			follow(ctx, TraceEnded, note, func() (grpc.ServerStreamingClient[controlpb.TraceSummary], error) {
				return shop.FollowTraces(ctx, &controlpb.FollowTracesRequest{})
			})
		})
		followed.Wait()
	}
}

// follow reports every message of a stream until ctx ends.
func follow[M any](ctx context.Context, h Event, note func(Event), open func() (grpc.ServerStreamingClient[M], error)) {
	for {
		if stream, err := open(); err == nil {
			for _, err = stream.Recv(); err == nil; _, err = stream.Recv() {
				note(h)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(openAgain):
		}
	}
}
