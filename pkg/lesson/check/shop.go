package check

import (
	"context"

	"google.golang.org/grpc"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Shop is the part of the daemon's API that checks ask; control.Client has it.
type Shop interface {
	States
	Objects
	Traces
	Metrics
	Map
}

// States tells how services do and what they write.
type States interface {
	Status(ctx context.Context, r *controlpb.StatusRequest, opts ...grpc.CallOption) (*controlpb.StatusResponse, error)
	Logs(ctx context.Context, r *controlpb.LogsRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.LogLine], error)
}

// Objects reads what the shop is described by.
type Objects interface {
	Get(ctx context.Context, r *controlpb.GetRequest, opts ...grpc.CallOption) (*controlpb.GetResponse, error)
}

// Traces finds traces.
type Traces interface {
	ListTraces(ctx context.Context, r *controlpb.ListTracesRequest, opts ...grpc.CallOption) (*controlpb.ListTracesResponse, error)
	GetTrace(ctx context.Context, r *controlpb.GetTraceRequest, opts ...grpc.CallOption) (*controlpb.GetTraceResponse, error)
}

// Metrics evaluates expressions and tells of alerts.
type Metrics interface {
	QueryMetrics(ctx context.Context, r *controlpb.QueryMetricsRequest, opts ...grpc.CallOption) (*controlpb.QueryMetricsResponse, error)
	ListAlerts(ctx context.Context, r *controlpb.ListAlertsRequest, opts ...grpc.CallOption) (*controlpb.ListAlertsResponse, error)
}

// Map tells who calls whom.
type Map interface {
	GetMap(ctx context.Context, r *controlpb.GetMapRequest, opts ...grpc.CallOption) (*controlpb.GetMapResponse, error)
}

// Tester runs the tests of a Go module.
type Tester interface {
	// Test runs the tests in a directory that run chooses. The error says why they could not be run; that
	// they fail is told by ok.
	Test(ctx context.Context, t GoTest) (out string, ok bool, err error)
}
