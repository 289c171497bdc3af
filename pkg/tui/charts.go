package tui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/plot"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// chart is one plot with its data.
type chart struct {
	title    string
	unit     plot.Unit
	floor    float64
	series   []plot.Series
	from, to time.Time
	step     time.Duration
	// fail is why there is nothing.
	fail string
}

// chartQuery is a chart before it is asked for: an expression for each of its lines.
type chartQuery struct {
	title string
	unit  plot.Unit
	floor float64
	lines []queryLine
}

type queryLine struct{ name, expr string }

// points is how many points a chart has at most.
const points = 240

// measure asks for the charts of a sight.
func (f *feed) measure(ctx context.Context, shop Shop, s sight) ([]chart, error) {
	to := f.now()
	step := max(s.last/points, time.Second)
	query := func(expr string) (*controlpb.QueryMetricsResponse, error) {
		return shop.QueryMetrics(ctx, &controlpb.QueryMetricsRequest{
			Expr: expr, Time: timestamppb.New(to), Range: durationpb.New(s.last), Step: durationpb.New(step),
		})
	}
	frame := chart{from: to.Add(-s.last).In(f.zone), to: to.In(f.zone), step: step}
	if s.expr != "" {
		resp, err := query(s.expr)
		if err != nil {
			return nil, err
		}
		c := frame
		c.title, c.unit, c.series = s.expr, plot.UnitOf(s.expr), f.allSeries(resp)
		return []chart{c}, nil
	}
	var charts []chart
	for _, q := range serviceCharts(s.service) {
		c := frame
		c.title, c.unit, c.floor = q.title, q.unit, q.floor
		for _, line := range q.lines {
			resp, err := query(line.expr)
			if err != nil {
				return nil, err
			}
			one := plot.Series{Name: line.name}
			if all := resp.GetSeries(); len(all) > 0 {
				one.Points = f.pointsOf(all[0])
			}
			c.series = append(c.series, one)
		}
		charts = append(charts, c)
	}
	return charts, nil
}

// mostSeries is how many series a plot of any expression shows; more cannot be told apart.
const mostSeries = 12

// allSeries are the series of an answer by their labels, those with the largest last value first.
func (f *feed) allSeries(resp *controlpb.QueryMetricsResponse) []plot.Series {
	all := slices.Clone(resp.GetSeries())
	end := func(s *controlpb.MetricSeries) float64 {
		if n := len(s.GetSamples()); n > 0 {
			return s.GetSamples()[n-1].GetValue()
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b *controlpb.MetricSeries) int {
		return cmp.Or(cmp.Compare(end(b), end(a)), cmp.Compare(labelText(a.GetLabels()), labelText(b.GetLabels())))
	})
	var series []plot.Series
	for _, s := range all[:min(len(all), mostSeries)] {
		series = append(series, plot.Series{Name: labelText(s.GetLabels()), Points: f.pointsOf(s)})
	}
	if more := len(all) - mostSeries; more > 0 {
		series[mostSeries-1].Name += fmt.Sprintf(" (and %d more)", more)
	}
	return series
}

func (f *feed) pointsOf(s *controlpb.MetricSeries) []plot.Point {
	all := make([]plot.Point, 0, len(s.GetSamples()))
	for _, v := range s.GetSamples() {
		all = append(all, plot.Point{Time: time.UnixMilli(v.GetTimeMs()).In(f.zone), Value: v.GetValue()})
	}
	return all
}

// labelText writes labels as PromQL does: `up{job="cart"}`.
func labelText(labels map[string]string) string {
	var parts []string
	for name, value := range labels {
		if name != "__name__" {
			parts = append(parts, fmt.Sprintf("%s=%q", name, value))
		}
	}
	slices.Sort(parts)
	text := labels["__name__"]
	if len(parts) > 0 {
		text += "{" + strings.Join(parts, ", ") + "}"
	}
	return clean(text)
}

// serviceCharts are rate, errors and latency of a service, and how full it is.
func serviceCharts(service string) []chartQuery {
	of := func(metric, more string) string { return fmt.Sprintf("%s{service=%q%s}", metric, service, more) }
	rate := func(grpc, http string) string {
		return fmt.Sprintf("sum(rate(%s[30s])) or sum(rate(%s[30s]))", of("grpc_server_handled_total", grpc), of("http_requests_total", http))
	}
	const failed = `, grpc_code=~"Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"`
	quantile := func(q string) string {
		return fmt.Sprintf("histogram_quantile(%s, sum by (le) (rate(%s[30s]))) or histogram_quantile(%s, sum by (le) (rate(%s[30s])))",
			q, of("grpc_server_handling_seconds_bucket", ""), q, of("http_request_duration_seconds_bucket", ""))
	}
	one := func(expr string) []queryLine { return []queryLine{{expr: expr}} }
	return []chartQuery{
		{title: "requests/s", floor: 1, lines: one(rate("", ""))},
		{title: "errors", unit: plot.Ratio, floor: 0.05, lines: one("((" + rate(failed, `, code=~"5.."`) + ") or vector(0)) / (" + rate("", "") + ")")},
		{title: "latency", unit: plot.Seconds, floor: 0.02, lines: []queryLine{{"p50", quantile("0.5")}, {"p95", quantile("0.95")}, {"p99", quantile("0.99")}}},
		{title: "cores", floor: 0.05, lines: one("sum(rate(" + of("process_cpu_seconds_total", "") + "[30s]))")},
		{title: "memory", unit: plot.Bytes, floor: 1e7, lines: one("sum(" + of("process_resident_memory_bytes", "") + ")")},
		{title: "in flight", floor: 4, lines: one("sum(" + of("shop_requests_in_flight", "") + ")")},
	}
}
