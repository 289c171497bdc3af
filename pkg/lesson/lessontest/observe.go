package lessontest

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// observed are the observations that tests have set.
type observed struct {
	metrics map[string]float64
	alerts  *controlpb.ListAlertsResponse
	edges   *controlpb.GetMapResponse
	traces  []*controlpb.TraceSummary
	otlp    map[string][]byte

	series   map[string][]*controlpb.MetricSeries
	sidecars []*controlpb.GetSidecarResponse
	restarts *int32 // of the catalog's sidecar; nil: it has none
}

// SetSeries sets the series of the expressions that contain a text.
func (s *Shop) SetSeries(text string, series ...*controlpb.MetricSeries) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.observed.series == nil {
		s.observed.series = map[string][]*controlpb.MetricSeries{}
	}
	s.observed.series[text] = series
}

// SetMetric sets the value of an expression; NaN: no samples.
func (s *Shop) SetMetric(expr string, value float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.observed.metrics == nil {
		s.observed.metrics = map[string]float64{}
	}
	s.observed.metrics[expr] = value
}

// SetAlerts sets the response of ListAlerts.
func (s *Shop) SetAlerts(r *controlpb.ListAlertsResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observed.alerts = r
}

// SetMap sets the response of GetMap.
func (s *Shop) SetMap(r *controlpb.GetMapResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observed.edges = r
}

// AddTrace keeps a trace, as the newest.
func (s *Shop) AddTrace(summary *controlpb.TraceSummary, data *tracepb.TracesData) error {
	raw, err := proto.Marshal(data)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.observed.otlp == nil {
		s.observed.otlp = map[string][]byte{}
	}
	s.observed.traces = slices.Insert(s.observed.traces, 0, summary)
	s.observed.otlp[summary.GetTraceId()] = raw
	return nil
}

// QueryMetrics implements check.Metrics.
func (s *Shop) QueryMetrics(_ context.Context, r *controlpb.QueryMetricsRequest, _ ...grpc.CallOption) (*controlpb.QueryMetricsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	resp := &controlpb.QueryMetricsResponse{ResultType: "vector"}
	if v, ok := s.observed.metrics[r.GetExpr()]; ok && !math.IsNaN(v) {
		resp.Series = []*controlpb.MetricSeries{{Samples: []*controlpb.MetricSample{{Value: v}}}}
	}
	for text, series := range s.observed.series {
		if strings.Contains(r.GetExpr(), text) {
			resp.Series = series
		}
	}
	return resp, nil
}

// ListAlerts implements check.Metrics.
func (s *Shop) ListAlerts(context.Context, *controlpb.ListAlertsRequest, ...grpc.CallOption) (*controlpb.ListAlertsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.observed.alerts, nil
}

// GetMap implements check.Map, with the same edges for each window.
func (s *Shop) GetMap(_ context.Context, r *controlpb.GetMapRequest, _ ...grpc.CallOption) (*controlpb.GetMapResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	window := r.GetWindow().AsDuration()
	if r.GetSince() != nil {
		window = min(window, s.Now().Sub(r.GetSince().AsTime().Truncate(time.Second)))
	}
	return &controlpb.GetMapResponse{Window: durationpb.New(window), Edges: s.observed.edges.GetEdges()}, nil
}

// ListTraces implements check.Traces; of the filter it knows the time.
func (s *Shop) ListTraces(_ context.Context, r *controlpb.ListTracesRequest, _ ...grpc.CallOption) (*controlpb.ListTracesResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	resp := &controlpb.ListTracesResponse{}
	for _, t := range s.observed.traces {
		if since := r.GetFilter().GetSince(); since == nil || !t.GetStart().AsTime().Before(since.AsTime()) {
			resp.Traces = append(resp.Traces, t)
		}
	}
	return resp, nil
}

// GetTrace implements check.Traces.
func (s *Shop) GetTrace(_ context.Context, r *controlpb.GetTraceRequest, _ ...grpc.CallOption) (*controlpb.GetTraceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, ok := s.observed.otlp[r.GetId()]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "no trace %s", r.GetId())
	}
	return &controlpb.GetTraceResponse{Otlp: raw}, nil
}
