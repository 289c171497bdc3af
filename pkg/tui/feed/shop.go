package feed

import (
	"context"
	"io"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/lesson"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Shop is the part of the daemon's API that the feed reads; *control.Client implements it.
type Shop interface {
	Streams
	Traces
	Metrics
	Map
	Objects
	Mesh
	io.Closer
}

// Streams reports what happens as it happens.
type Streams interface {
	Watch(ctx context.Context, r *controlpb.WatchRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.StatusResponse], error)
	Events(ctx context.Context, r *controlpb.EventsRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.Event], error)
	Logs(ctx context.Context, r *controlpb.LogsRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.LogLine], error)
}

// Traces finds traces.
type Traces interface {
	ListTraces(ctx context.Context, r *controlpb.ListTracesRequest, opts ...grpc.CallOption) (*controlpb.ListTracesResponse, error)
	GetTrace(ctx context.Context, r *controlpb.GetTraceRequest, opts ...grpc.CallOption) (*controlpb.GetTraceResponse, error)
}

// Metrics evaluates expressions and lists alerts.
type Metrics interface {
	QueryMetrics(ctx context.Context, r *controlpb.QueryMetricsRequest, opts ...grpc.CallOption) (*controlpb.QueryMetricsResponse, error)
	ListAlerts(ctx context.Context, r *controlpb.ListAlertsRequest, opts ...grpc.CallOption) (*controlpb.ListAlertsResponse, error)
}

// Map reports which service calls which.
type Map interface {
	GetMap(ctx context.Context, r *controlpb.GetMapRequest, opts ...grpc.CallOption) (*controlpb.GetMapResponse, error)
}

// Mesh reads what a sidecar holds.
type Mesh interface {
	GetSidecar(ctx context.Context, r *controlpb.GetSidecarRequest, opts ...grpc.CallOption) (*controlpb.GetSidecarResponse, error)
}

// Objects reads the objects that describe the shop.
type Objects interface {
	Get(ctx context.Context, r *controlpb.GetRequest, opts ...grpc.CallOption) (*controlpb.GetResponse, error)
}

// Lesson is a lesson in progress; *lesson.Session is one.
type Lesson interface {
	Snapshot() lesson.View
	// Changes delivers a value after the view has changed.
	Changes() <-chan struct{}
}
