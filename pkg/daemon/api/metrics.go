package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/observe/alert"
	"github.com/shopctl/shopctl/pkg/observe/query"
	"github.com/shopctl/shopctl/pkg/observe/scrape"
	"github.com/shopctl/shopctl/pkg/observe/tsdb"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

const (
	// defaultPoints is about how many points a range has whose step is not given.
	defaultPoints = 250
	// maxPoints bounds the points of a result, all series together, to what fits well into one message, maxLabels the bytes
	// of their labels.
	maxPoints, maxLabels = 400_000, 8 << 20
)

// metricsServer serves metrics and alerts.
type metricsServer struct {
	controlpb.UnimplementedMetricsServer
	query   *query.Engine
	db      *tsdb.DB
	rules   *alert.Manager
	targets targets
	// url of Prometheus' HTTP API; empty if it is not served.
	url string
	now func() time.Time
}

// targets are the scrape targets with the outcomes of their last scrapes.
type targets interface{ Targets() []scrape.Status }

// QueryMetrics evaluates a PromQL expression.
func (s *metricsServer) QueryMetrics(ctx context.Context, req *controlpb.QueryMetricsRequest) (*controlpb.QueryMetricsResponse, error) {
	at := s.now()
	if t := req.GetTime(); t != nil {
		at = t.AsTime()
	}
	resp := &controlpb.QueryMetricsResponse{}
	use := func(result query.Result) error {
		resp.Warnings = append(result.Warnings, result.Infos...)
		return fillResult(resp, result)
	}
	var err error
	if back := req.GetRange().AsDuration(); req.GetRange() != nil {
		step := max(time.Second, (back / defaultPoints).Truncate(time.Second))
		if req.GetStep() != nil {
			step = req.GetStep().AsDuration()
		}
		err = s.query.Range(ctx, req.GetExpr(), at.Add(-back), at, step, use)
	} else {
		err = s.query.Instant(ctx, req.GetExpr(), at, use)
	}
	if err != nil {
		return nil, explainQuery(err)
	}
	if len(resp.Series) == 0 && resp.ResultType != "string" {
		resp.Warnings = append(resp.Warnings, s.query.Missing(req.GetExpr())...)
	}
	return resp, nil
}

// fillResult copies a result, which must not be kept.
func fillResult(resp *controlpb.QueryMetricsResponse, result query.Result) error {
	resp.ResultType = string(result.Value.Type())
	size := uint64(0)
	switch v := result.Value.(type) {
	case promql.String:
		resp.Text = v.V
	case promql.Scalar:
		resp.Series = []*controlpb.MetricSeries{{Samples: []*controlpb.MetricSample{{TimeMs: v.T, Value: v.V}}}}
	case promql.Vector:
		for _, s := range v {
			if size += s.Metric.ByteSize(); size > maxLabels {
				return errLabels
			}
			resp.Series = append(resp.Series, &controlpb.MetricSeries{
				Labels: s.Metric.Map(), Samples: []*controlpb.MetricSample{{TimeMs: s.T, Value: s.F}},
			})
		}
	case promql.Matrix:
		points := 0
		for _, s := range v {
			if points += len(s.Floats); points > maxPoints {
				return &query.Error{Kind: query.TooLarge, Text: fmt.Sprintf("the result has more than %d points", maxPoints), Hint: "aggregate: sum by (service) (...), or use a longer --step"}
			}
			if size += s.Metric.ByteSize(); size > maxLabels {
				return errLabels
			}
			series := &controlpb.MetricSeries{Labels: s.Metric.Map()}
			for _, p := range s.Floats {
				series.Samples = append(series.Samples, &controlpb.MetricSample{TimeMs: p.T, Value: p.F})
			}
			resp.Series = append(resp.Series, series)
		}
	}
	return nil
}

var errLabels = &query.Error{Kind: query.TooLarge, Text: fmt.Sprintf("the labels of the result take more than %d MB", maxLabels>>20), Hint: "aggregate: sum by (service) (...)"}

// explainQuery gives an error of a query its status code and its hint.
func explainQuery(err error) error {
	var wrong *query.Error
	if !errors.As(err, &wrong) {
		return err
	}
	code, exit := codes.InvalidArgument, 2
	switch wrong.Kind {
	case query.Failed:
		code, exit = codes.FailedPrecondition, 1
	case query.TooLarge:
		code, exit = codes.ResourceExhausted, 1
	case query.TimedOut:
		code, exit = codes.DeadlineExceeded, 4
	}
	return control.Error(code, "query metrics: "+wrong.Text, wrong.Hint, exit)
}

// ListMetrics lists metrics and scrape targets.
func (s *metricsServer) ListMetrics(context.Context, *controlpb.ListMetricsRequest) (*controlpb.ListMetricsResponse, error) {
	st := s.db.Stats()
	resp := &controlpb.ListMetricsResponse{
		ApiUrl: s.url,
		Store: &controlpb.MetricStore{
			Series: int64(st.Series), Samples: st.Samples, Bytes: st.Bytes,
			Dropped: st.OutOfOrder + st.TooMany + st.Evicted,
		},
	}
	if st.Oldest > 0 {
		resp.Store.Oldest = timestamppb.New(time.UnixMilli(st.Oldest))
	}
	for name, n := range s.db.Names() {
		m := &controlpb.Metric{Name: name, Series: int32(n), Type: "unknown"}
		if d, ok := s.db.MetadataOf(name); ok {
			m.Type, m.Help = d.Type, d.Help
		}
		resp.Metrics = append(resp.Metrics, m)
	}
	slices.SortFunc(resp.Metrics, func(x, y *controlpb.Metric) int { return strings.Compare(x.GetName(), y.GetName()) })
	for _, t := range s.targets.Targets() {
		resp.Targets = append(resp.Targets, protoTarget(t))
	}
	return resp, nil
}

func protoTarget(t scrape.Status) *controlpb.ScrapeTarget {
	p := &controlpb.ScrapeTarget{
		Job: t.Labels.Get("job"), Instance: t.Labels.Get("pod"), Address: t.Addr, Health: t.Health, Took: durationpb.New(t.Took),
	}
	if p.Instance == "" {
		p.Instance = t.Labels.Get("instance")
	}
	if t.Err != nil {
		p.LastError = t.Err.Error()
	}
	if !t.Last.IsZero() {
		p.LastScrape = timestamppb.New(t.Last)
	}
	return p
}

// ListAlerts returns the alerting rules, their alerts and the history of earlier ones.
func (s *metricsServer) ListAlerts(context.Context, *controlpb.ListAlertsRequest) (*controlpb.ListAlertsResponse, error) {
	resp := &controlpb.ListAlertsResponse{}
	for _, group := range s.rules.Groups() {
		for _, r := range group {
			if r.Alert == "" {
				continue
			}
			p := &controlpb.AlertRule{
				Object: r.Object, Group: r.Group, Name: r.Alert, Expr: r.Expr, State: string(r.State),
				For: durationpb.New(r.For), KeepFiringFor: durationpb.New(r.Keep), Labels: r.Labels, Annotations: r.Annotations,
			}
			if r.Err != nil {
				p.LastError = r.Err.Error()
			}
			if !r.Last.IsZero() {
				p.LastEvaluation = timestamppb.New(r.Last)
			}
			resp.Rules = append(resp.Rules, p)
		}
	}
	for _, al := range s.rules.Alerts() {
		p := &controlpb.Alert{
			Name: al.Rule, Labels: al.Labels.Map(), Annotations: al.Annotations.Map(), State: string(al.State),
			Value: al.Value, ActiveSince: timestamppb.New(al.Active),
		}
		if !al.Fired.IsZero() {
			p.Fired = timestamppb.New(al.Fired)
		}
		resp.Alerts = append(resp.Alerts, p)
	}
	for _, c := range s.rules.History() {
		resp.History = append(resp.History, &controlpb.AlertChange{
			Time: timestamppb.New(c.Time), Name: c.Alert, Labels: c.Labels.Map(), State: string(c.State), Value: c.Value, Summary: c.Summary,
		})
	}
	return resp, nil
}
