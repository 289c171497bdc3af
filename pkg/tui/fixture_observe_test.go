package tui

import (
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/plot"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/tracetest"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

// order is the trace of an order whose payment failed once.
func order(t testing.TB) *trace.Trace { return tracetest.Read(t, tracetest.Order) }

func alertList() *controlpb.ListAlertsResponse {
	about := map[string]string{"summary": "payment fails more than 1 % of its calls"}
	return &controlpb.ListAlertsResponse{
		Rules: []*controlpb.AlertRule{
			{Name: "PaymentFails", Expr: "sum(rate(grpc_server_handled_total{service=\"payment\"}[1m]))\n  > 0.01", For: durationpb.New(30 * time.Second), State: "firing", Labels: map[string]string{"severity": "page"}},
			{Name: "SearchIsSlow", Expr: "search:p95 > 0.2", State: "pending"},
			{Name: "CartMisses", Expr: "cart:hits", State: "inactive", LastError: "no such series"},
		},
		Alerts: []*controlpb.Alert{
			{Name: "SearchIsSlow", Labels: map[string]string{"alertname": "SearchIsSlow", "service": "catalog"}, State: "pending", Value: 0.31, ActiveSince: timestamppb.New(tuitest.Noon().Add(-20 * time.Second))},
			{Name: "PaymentFails", Annotations: about, State: "firing", Value: 0.5, ActiveSince: timestamppb.New(tuitest.Noon().Add(-2 * time.Minute)), Fired: timestamppb.New(tuitest.Noon().Add(-90 * time.Second))},
		},
		History: []*controlpb.AlertChange{
			{Time: timestamppb.New(tuitest.Noon().Add(-90 * time.Second)), Name: "PaymentFails", State: "firing", Summary: about["summary"]},
			{Time: timestamppb.New(tuitest.Noon().Add(-20 * time.Minute)), Name: "PaymentFails", State: "resolved"},
		},
	}
}

// chartList are the charts of a service, each with a curve of its own.
func chartList() []feed.Chart {
	unit := map[string]plot.Unit{"errors": plot.Ratio, "latency": plot.Seconds, "memory": plot.Bytes}
	floor := map[string]float64{"requests/s": 1, "errors": 0.05, "latency": 0.02, "cores": 0.05, "memory": 1e7, "in flight": 4}
	scale := map[string]float64{"requests/s": 20, "errors": 0.3, "latency": 0.04, "cores": 0.2, "memory": 6e7, "in flight": 5}
	var charts []feed.Chart
	for i, title := range []string{"requests/s", "errors", "latency", "cores", "memory", "in flight"} {
		c := feed.Chart{Title: title, Unit: unit[title], Floor: floor[title], From: tuitest.Noon().Add(-5 * time.Minute), To: tuitest.Noon(), Step: time.Second}
		names := []string{""}
		if title == "latency" {
			names = []string{"p50", "p95", "p99"}
		}
		for j, name := range names {
			s := plot.Series{Name: name}
			for k := range 300 {
				if title == "errors" && k < 40 {
					continue
				}
				s.Points = append(s.Points, plot.Point{Time: c.From.Add(time.Duration(k) * time.Second), Value: scale[title] * float64(j+1) * (1 + math.Sin(float64(k*(i+1))/80)/2)})
			}
			c.Series = append(c.Series, s)
		}
		charts = append(charts, c)
	}
	return charts
}

// see gives a screen the result of its query.
func (s *screen) see(v feed.Result) {
	v.Seq = s.querySeq
	s.send(feed.Batch{Result: &v})
}
