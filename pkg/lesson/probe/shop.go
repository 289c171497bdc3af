package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Env is what probes are asked with.
type Env struct {
	Shop   Shop
	Caller Caller
	// Tester runs the tests of Go modules; nil for lessons that may not run any.
	Tester Tester
	// Workspace is the directory of the learner's files.
	Workspace string
	Now       func() time.Time
}

// Baseline records the present state of the shop, for a step that began at a time.
func (env Env) Baseline(ctx context.Context, since time.Time) (Baseline, error) {
	st, err := env.Shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return Baseline{}, fmt.Errorf("read the shop's state: %w", err)
	}
	base := Baseline{Since: since, Restarts: map[string]int{}, SidecarRestarts: map[string]int{}}
	for _, s := range st.GetServices() {
		base.Restarts[s.GetName()] = int(s.GetRestarts())
		base.SidecarRestarts[s.GetName()] = sidecarsOf(s).restarts
	}
	return base, nil
}

// Baseline is the state of the shop when the step began.
type Baseline struct {
	Since time.Time
	// Restarts of each service, by name.
	Restarts map[string]int
	// SidecarRestarts are those of the sidecars of each service alone.
	SidecarRestarts map[string]int
}

// Shop is the part of the daemon's API that checks read; control.Client has it.
type Shop interface {
	States
	Objects
	Traces
	Metrics
	Map
	Sidecars
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

// Sidecars has the sidecars of a mesh and what each holds.
type Sidecars interface {
	MeshStatus(ctx context.Context, r *controlpb.MeshStatusRequest, opts ...grpc.CallOption) (*controlpb.MeshStatusResponse, error)
	GetSidecar(ctx context.Context, r *controlpb.GetSidecarRequest, opts ...grpc.CallOption) (*controlpb.GetSidecarResponse, error)
}

// Tester runs the tests of a Go module.
type Tester interface {
	// Test runs tests and reports whether they pass. An error means that they could not be run.
	Test(ctx context.Context, run TestRun) (out string, ok bool, err error)
}

// TestRun is a run of tests.
type TestRun struct {
	Dir string
	// Run chooses tests; empty: all.
	Run   string
	Limit time.Duration
}

// Call is a method to call.
type Call struct {
	Service, Method string
	Request         []byte // JSON
	Headers         []string
	// Proto is the path of a file that describes the service; empty: its server reflection.
	Proto    string
	Deadline time.Duration
}

// Reply is how a call ended.
type Reply struct {
	Code     codes.Code
	Message  string
	Response json.RawMessage
	Took     time.Duration
}

// Refused is a call that was not made, because the request does not fit the contract.
type Refused struct{ Text string }

func (e *Refused) Error() string { return e.Text }

// Caller calls methods of the shop's services. An error means that the call could not be made; a status of the
// service is part of the reply.
type Caller interface {
	Call(ctx context.Context, c Call) (Reply, error)
}
