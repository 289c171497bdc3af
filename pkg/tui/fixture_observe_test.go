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

// heldBySidecar is what checkout's sidecar holds: one cluster with an ejected endpoint, one with none, a canary and a default.
func heldBySidecar() *controlpb.GetSidecarResponse {
	const payment, cart = "outbound|50051||paymentservice.production.svc.cluster.local", "outbound|7070||cartservice.production.svc.cluster.local"
	at := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(tuitest.Noon().Add(d)) }
	return &controlpb.GetSidecarResponse{
		Sidecar: &controlpb.Sidecar{Service: "checkout", Instance: "checkoutservice-5d8f-1", State: "synced", NotAfter: at(23 * time.Hour)},
		Clusters: []*controlpb.MeshCluster{
			{Name: cart, Direction: "outbound", Endpoints: 1, Policy: "LEAST_REQUEST"},
			{Name: payment, Direction: "outbound", Endpoints: 2, Ejected: 1, Policy: "LEAST_REQUEST, ejects after 3 errors in a row for 30s", Object: "payment.production", Position: "payment.yaml:12"},
			{Name: "outbound|50051|v2|paymentservice.production.svc.cluster.local", Direction: "outbound", Policy: "LEAST_REQUEST"},
			{Name: "inbound|5050||", Direction: "inbound", Endpoints: 1},
		},
		Endpoints: []*controlpb.MeshEndpoint{
			{Address: "127.0.0.1:51008", Cluster: payment, Instance: "payment-5d8f-1", Outlier: "OK"},
			{Address: "127.0.0.1:51009", Cluster: payment, Instance: "payment-5d8f-2", Outlier: "FAILED", EjectedReason: "consecutive 5xx errors", EjectedSince: at(-12 * time.Second), EjectedUntil: at(18 * time.Second)},
		},
		Routes: []*controlpb.MeshRoute{
			{Name: "cartservice.production.svc.cluster.local:7070", Match: "/*", Target: cart},
			{Name: "paymentservice.production.svc.cluster.local:50051", Match: "/*", Target: "90% " + payment + ", 10% outbound|50051|v2|paymentservice.production.svc.cluster.local", Policy: "timeout 2s", Object: "payment.production", Position: "payment.yaml:9"},
			{Name: "inbound|5050||", Match: "/*", Target: "inbound|5050||"},
		},
	}
}
