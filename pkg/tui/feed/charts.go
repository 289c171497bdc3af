package feed

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
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Chart is one plot with its data.
type Chart struct {
	Title    string
	Unit     plot.Unit
	Floor    float64
	Series   []plot.Series
	From, To time.Time
	Step     time.Duration
	// Failure is why there is no data.
	Failure string
}

// chartQuery is a chart before its data has been queried: an expression for each of its lines.
type chartQuery struct {
	title string
	unit  plot.Unit
	floor float64
	lines []queryLine
}

type queryLine struct{ name, expr string }

// maxPoints is how many points a chart has at most.
const maxPoints = 240

// queryCharts queries the data of charts: of one expression, or of the charts of a service.
func (f *Feed) queryCharts(ctx context.Context, shop Metrics, s Query) ([]Chart, error) {
	to := f.now()
	step := max(s.Range/maxPoints, time.Second)
	query := func(expr string) (*controlpb.QueryMetricsResponse, error) {
		return shop.QueryMetrics(ctx, &controlpb.QueryMetricsRequest{
			Expr: expr, Time: timestamppb.New(to), Range: durationpb.New(s.Range), Step: durationpb.New(step),
		})
	}
	frame := Chart{From: to.Add(-s.Range).In(f.zone), To: to.In(f.zone), Step: step}
	if s.Expr != "" {
		resp, err := query(s.Expr)
		if err != nil {
			return nil, err
		}
		c := frame
		c.Title, c.Unit, c.Series = s.Expr, plot.UnitOf(s.Expr), f.allSeries(resp)
		charts := []Chart{c}
		trimStart(charts)
		return charts, nil
	}
	var charts []Chart
	for _, q := range serviceCharts(s.Service) {
		c := frame
		c.Title, c.Unit, c.Floor = q.title, q.unit, q.floor
		for _, line := range q.lines {
			resp, err := query(line.expr)
			if err != nil {
				return nil, err
			}
			one := plot.Series{Name: line.name}
			if all := resp.GetSeries(); len(all) > 0 {
				one.Points = f.pointsOf(all[0])
			}
			c.Series = append(c.Series, one)
		}
		charts = append(charts, c)
	}
	trimStart(charts)
	return charts, nil
}

// trimStart makes charts begin at their first point: five minutes of a shop that has run for one are mostly empty.
func trimStart(charts []Chart) {
	for i, c := range charts {
		first := c.To.Add(-minSpan)
		for _, c := range charts {
			for _, s := range c.Series {
				if len(s.Points) > 0 && s.Points[0].Time.Before(first) {
					first = s.Points[0].Time
				}
			}
		}
		if first.After(c.From) {
			charts[i].From = first
		}
	}
}

// minSpan is the shortest span that charts show, even of a shop that has just started.
const minSpan = time.Minute

// maxSeries is how many series the plot of an expression shows; more cannot be distinguished.
const maxSeries = 12

// allSeries are the series of a response named by their labels, those with the largest last value first.
func (f *Feed) allSeries(resp *controlpb.QueryMetricsResponse) []plot.Series {
	all := slices.Clone(resp.GetSeries())
	end := func(s *controlpb.MetricSeries) float64 {
		if n := len(s.GetSamples()); n > 0 {
			return s.GetSamples()[n-1].GetValue()
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b *controlpb.MetricSeries) int {
		return cmp.Or(cmp.Compare(end(b), end(a)), cmp.Compare(LabelText(a.GetLabels()), LabelText(b.GetLabels())))
	})
	var series []plot.Series
	for _, s := range all[:min(len(all), maxSeries)] {
		series = append(series, plot.Series{Name: LabelText(distinctLabels(s.GetLabels(), all)), Points: f.pointsOf(s)})
	}
	if more := len(all) - maxSeries; more > 0 {
		series[maxSeries-1].Name += fmt.Sprintf(" (and %d more)", more)
	}
	return series
}

// distinctLabels are the labels in which a series differs from the others. Labels that all series share make a legend
// long and add nothing.
func distinctLabels(labels map[string]string, all []*controlpb.MetricSeries) map[string]string {
	if len(all) < 2 {
		return labels
	}
	rest := map[string]string{}
	for name, value := range labels {
		other := func(s *controlpb.MetricSeries) bool { return s.GetLabels()[name] != value }
		if slices.ContainsFunc(all, other) {
			rest[name] = value
		}
	}
	return rest
}

func (f *Feed) pointsOf(s *controlpb.MetricSeries) []plot.Point {
	all := make([]plot.Point, 0, len(s.GetSamples()))
	for _, v := range s.GetSamples() {
		all = append(all, plot.Point{Time: time.UnixMilli(v.GetTimeMs()).In(f.zone), Value: v.GetValue()})
	}
	return all
}

// LabelText writes labels as PromQL does: `up{job="cart"}`.
func LabelText(labels map[string]string) string {
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
	return style.Clean(text)
}

// serviceCharts are the rate, errors, latency and saturation of a service: the expressions of the shop's own
// recording rules over a shorter window, because a person is watching.
func serviceCharts(service string) []chartQuery {
	const grpc, http, over = `grpc_service!~"grpc[.].*"`, `route!~".*healthz|.*/metrics"`, "[30s]"
	const failed = `, grpc_code=~"Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"`
	of := func(metric, more string) string { return fmt.Sprintf("%s{service=%q, %s}", metric, service, more) }
	rate := func(grpc, http string) string {
		return fmt.Sprintf("sum(rate(%s%s)) or sum(rate(%s%s))", of("grpc_server_handled_total", grpc), over, of("http_requests_total", http), over)
	}
	quantile := func(q string) string {
		return fmt.Sprintf("shopctl_latency_seconds{service=%q, quantile=%q}", service, q)
	}
	line := func(expr string) []queryLine { return []queryLine{{expr: expr}} }
	return []chartQuery{
		{title: "requests/s", floor: 1, lines: line(rate(grpc, http))},
		{title: "errors", unit: plot.Ratio, floor: 0.05, lines: line("((" + rate(grpc+failed, http+`, code=~"5.."`) + ") or vector(0)) / (" + rate(grpc, http) + ")")},
		{title: "latency", unit: plot.Seconds, floor: 0.02, lines: []queryLine{{"p50", quantile("0.5")}, {"p95", quantile("0.95")}, {"p99", quantile("0.99")}}},
		{title: "cores", floor: 0.05, lines: line(fmt.Sprintf("sum(rate(process_cpu_seconds_total{service=%q}%s))", service, over))},
		{title: "memory", unit: plot.Bytes, floor: 1e7, lines: line(fmt.Sprintf("sum(shopctl_memory_bytes{service=%q})", service))},
		{title: "in flight", floor: 4, lines: line("sum(" + of("grpc_server_started_total", grpc) + ") - sum(" + of("grpc_server_handled_total", grpc) + ") or sum(" + fmt.Sprintf("http_requests_in_flight{service=%q}", service) + ")")},
	}
}
