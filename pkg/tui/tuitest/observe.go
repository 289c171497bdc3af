package tuitest

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
)

// Data is the responses of a fake shop, and the queries that it received.
type Data struct {
	alerts *controlpb.ListAlertsResponse
	Graph  *controlpb.GetMapResponse
	traces *controlpb.ListTracesResponse
	Otlp   []byte
	// Queried are the expressions of all queries.
	Queried []string
}

func (s *Shop) ListTraces(_ context.Context, r *controlpb.ListTracesRequest, _ ...grpc.CallOption) (*controlpb.ListTracesResponse, error) {
	s.note("traces " + r.GetFilter().GetService())
	return s.Data.traces, s.Failure
}

func (s *Shop) GetTrace(_ context.Context, r *controlpb.GetTraceRequest, _ ...grpc.CallOption) (*controlpb.GetTraceResponse, error) {
	s.note("trace " + r.GetId())
	return &controlpb.GetTraceResponse{Otlp: s.Data.Otlp}, s.Failure
}

func (s *Shop) QueryMetrics(_ context.Context, r *controlpb.QueryMetricsRequest, _ ...grpc.CallOption) (*controlpb.QueryMetricsResponse, error) {
	s.Mu.Lock()
	s.Data.Queried = append(s.Data.Queried, r.GetExpr())
	s.Mu.Unlock()
	s.note("query")
	if r.GetExpr() == "up{" {
		return nil, status.Error(codes.InvalidArgument, "1:4: parse error: unexpected end of input inside braces")
	}
	one := &controlpb.MetricSeries{Labels: map[string]string{"__name__": "up", "job": "cart"}}
	for i := range 60 {
		at := r.GetTime().AsTime().Add(time.Duration(i-60) * time.Second)
		one.Samples = append(one.Samples, &controlpb.MetricSample{TimeMs: at.UnixMilli(), Value: float64(len(one.Samples))})
	}
	return &controlpb.QueryMetricsResponse{ResultType: "matrix", Series: []*controlpb.MetricSeries{one}}, s.Failure
}

func (s *Shop) ListAlerts(context.Context, *controlpb.ListAlertsRequest, ...grpc.CallOption) (*controlpb.ListAlertsResponse, error) {
	s.note("alerts")
	return proto.CloneOf(s.Data.alerts), s.Failure
}

func (s *Shop) GetMap(context.Context, *controlpb.GetMapRequest, ...grpc.CallOption) (*controlpb.GetMapResponse, error) {
	s.note("map")
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return proto.CloneOf(s.Data.Graph), s.Failure
}

// TraceList is three traces: one with a failed span, one without errors, and one that failed as a whole.
func TraceList() *controlpb.ListTracesResponse {
	one := func(id byte, service, name string, took time.Duration, errors int32, failed bool) *controlpb.TraceSummary {
		return &controlpb.TraceSummary{
			TraceId: trace.ID{id, 0xab, 0xcd, 0xef}.String(), RootService: service, RootName: name, Start: timestamppb.New(Noon().Add(-time.Duration(id) * time.Second)),
			Duration: durationpb.New(took), Spans: 10 + int32(id), Errors: errors, Failed: failed, Services: []string{service, "checkoutservice", "paymentservice"},
		}
	}
	called := one(2, "loadgenerator", "HTTP GET", 4200*time.Microsecond, 0, false)
	called.EntryService, called.EntryName = "frontendservice", "GET /"
	return &controlpb.ListTracesResponse{Traces: []*controlpb.TraceSummary{
		one(1, "frontendservice", "POST /cart/checkout", 100*time.Millisecond, 2, false),
		called,
		one(3, "checkoutservice", "hipstershop.CheckoutService/PlaceOrder", 2900*time.Millisecond, 3, true),
	}}
}

func CallMap() *controlpb.GetMapResponse {
	edge := func(from, to string, rps, errors, p95 float64, failures ...string) *controlpb.MapEdge {
		return &controlpb.MapEdge{
			Caller: from, Callee: to, Protocol: "grpc", Failures: failures,
			Traffic: &controlpb.Traffic{RequestsPerSecond: rps, Requests: int64(rps * 15), ErrorRatio: errors, P95Ms: p95},
		}
	}
	m := &controlpb.GetMapResponse{
		Time: timestamppb.New(Noon()), Window: durationpb.New(15 * time.Second),
		Edges: []*controlpb.MapEdge{
			edge("user", "frontend", 20, 0.02, 48), edge("frontend", "checkout", 2, 0.47, 2900, "UNAVAILABLE"),
			edge("checkout", "payment", 2, 0.5, 9, "UNAVAILABLE"), edge("checkout", "cart", 4, 0, 3.2), edge("frontend", "cart", 12, 0, 2.8), edge("cart", "redis-cart", 16, 0, 0.4),
		},
		Blast: []*controlpb.BlastRadius{{Service: "payment", FaultId: "f1", Sentence: "payment UNAVAILABLE 50% -> checkout errors 48% -> 47% of orders fail"}},
	}
	for _, s := range BrokenStatus().Services {
		m.Nodes = append(m.Nodes, &controlpb.MapNode{Service: s.Name, State: s.State, Faults: s.Faults})
	}
	return m
}
