package check

import (
	"context"

	"google.golang.org/grpc"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Shop is the part of the daemon's API that checks read; control.Client has it.
type Shop interface {
	States
	Objects
	Traces
	Metrics
	Map
}

// States has the status and the logs of services.
type States interface {
	Status(ctx context.Context, r *controlpb.StatusRequest, opts ...grpc.CallOption) (*controlpb.StatusResponse, error)
	Logs(ctx context.Context, r *controlpb.LogsRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.LogLine], error)
}

// Objects reads the shop's objects.
type Objects interface {
	Get(ctx context.Context, r *controlpb.GetRequest, opts ...grpc.CallOption) (*controlpb.GetResponse, error)
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

// Map has the call graph.
type Map interface {
	GetMap(ctx context.Context, r *controlpb.GetMapRequest, opts ...grpc.CallOption) (*controlpb.GetMapResponse, error)
}

// Tester runs the tests of a Go module.
type Tester interface {
	// Test runs tests and reports whether they pass. An error means that they could not be run.
	Test(ctx context.Context, t GoTest) (out string, ok bool, err error)
}
