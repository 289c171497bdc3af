package observe_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// measuredShop answers queries as a daemon would.
type measuredShop struct {
	clitest.FakeShop
	asked  *controlpb.QueryMetricsRequest
	answer *controlpb.QueryMetricsResponse
	alerts *controlpb.ListAlertsResponse
	err    error
}

func (s *measuredShop) QueryMetrics(_ context.Context, req *controlpb.QueryMetricsRequest) (*controlpb.QueryMetricsResponse, error) {
	s.asked = req
	return s.answer, s.err
}

func (s *measuredShop) ListAlerts(context.Context, *controlpb.ListAlertsRequest) (*controlpb.ListAlertsResponse, error) {
	return s.alerts, s.err
}

func (s *measuredShop) ListMetrics(context.Context, *controlpb.ListMetricsRequest) (*controlpb.ListMetricsResponse, error) {
	return &controlpb.ListMetricsResponse{
		Metrics: []*controlpb.Metric{
			{Name: "orders_total", Type: "counter", Help: "Orders.", Series: 2},
			{Name: "up", Type: "unknown", Series: 13},
		},
		Store:  &controlpb.MetricStore{Series: 15, Samples: 4711, Bytes: 1_500_000, Dropped: 3, Oldest: timestamppb.New(clitest.TestNow().Add(-time.Hour))},
		ApiUrl: "http://127.0.0.1:9090",
		Targets: []*controlpb.ScrapeTarget{
			{Job: "cartservice", Instance: "cartservice-1", Address: "127.0.0.1:1", Health: "up", LastScrape: timestamppb.New(clitest.TestNow()), Took: durationpb.New(1500 * time.Microsecond)},
			{Job: "adservice", Instance: "adservice-1", Address: "127.0.0.1:2", Health: "down", LastError: "read metrics: no answer in time", Took: durationpb.New(2 * time.Second)},
		},
	}, nil
}

func series(values []float64, pairs ...string) *controlpb.MetricSeries {
	s := &controlpb.MetricSeries{Labels: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		s.Labels[pairs[i]] = pairs[i+1]
	}
	for i, v := range values {
		s.Samples = append(s.Samples, &controlpb.MetricSample{TimeMs: clitest.TestNow().Add(time.Duration(i-len(values)+1) * time.Minute).UnixMilli(), Value: v})
	}
	return s
}

func vector() *controlpb.QueryMetricsResponse {
	return &controlpb.QueryMetricsResponse{ResultType: "vector", Series: []*controlpb.MetricSeries{
		series([]float64{12.3456789}, "service", "cart"), series([]float64{math.NaN()}, "__name__", "up", "pod", "a"), series([]float64{3}, "__name__", "all"),
	}}
}

func matrix() *controlpb.QueryMetricsResponse {
	return &controlpb.QueryMetricsResponse{ResultType: "matrix", Series: []*controlpb.MetricSeries{
		series([]float64{1, 4, 2, 8, 5, 7}, "service", "cart"), series([]float64{3, 3, 3, 3, 3, 3}, "service", "checkout"),
	}}
}

func someAlerts() *controlpb.ListAlertsResponse {
	now := clitest.TestNow()
	labels := map[string]string{"alertname": "Down", "severity": "page", "service": "cart"}
	return &controlpb.ListAlertsResponse{
		Rules: []*controlpb.AlertRule{
			{Object: "production/shop", Group: "g", Name: "Down", Expr: "up\n  == 0", For: durationpb.New(15 * time.Second), State: "firing", Labels: map[string]string{"severity": "page"}, LastEvaluation: timestamppb.New(now)},
			{Object: "production/mine", Group: "h", Name: "Broken", Expr: "a * b", State: "inactive", LastError: "many-to-many matching"},
		},
		Alerts: []*controlpb.Alert{
			{Name: "Down", Labels: labels, Annotations: map[string]string{"summary": "cart does not answer"}, State: "firing", Value: 0, ActiveSince: timestamppb.New(now.Add(-time.Minute)), Fired: timestamppb.New(now.Add(-45 * time.Second))},
			{Name: "Slow", Labels: map[string]string{"alertname": "Slow", "service": "ad"}, State: "pending", Value: 1.25, ActiveSince: timestamppb.New(now.Add(-5 * time.Second))},
		},
		History: []*controlpb.AlertChange{
			{Time: timestamppb.New(now.Add(-45 * time.Second)), Name: "Down", Labels: labels, State: "firing", Summary: "cart does not answer"},
			{Time: timestamppb.New(now.Add(-time.Minute)), Name: "Down", Labels: labels, State: "pending", Summary: "cart does not answer"},
		},
	}
}

func TestMetricsAndAlertsPrintWhatTheGoldensSay(t *testing.T) {
	for golden, args := range map[string][]string{
		"metrics-list.golden":        {"metrics", "list"},
		"metrics-list-json.golden":   {"metrics", "list", "-o", "json"},
		"metrics-targets.golden":     {"metrics", "targets"},
		"metrics-query.golden":       {"metrics", "query", "x"},
		"metrics-query-json.golden":  {"metrics", "query", "x", "-o", "json"},
		"metrics-query-name.golden":  {"metrics", "query", "x", "-o", "name"},
		"metrics-range.golden":       {"metrics", "query", "x", "--range", "5m"},
		"metrics-plot.golden":        {"metrics", "query", "x", "--range", "5m", "--plot", "--ascii"},
		"metrics-plot-words.golden":  {"metrics", "query", "x", "--range", "5m", "--plot", "--accessible"},
		"alerts.golden":              {"alerts"},
		"alerts-json.golden":         {"alerts", "list", "-o", "json"},
		"alerts-rules.golden":        {"alerts", "rules"},
		"alerts-history-json.golden": {"alerts", "history", "-o", "json"},
	} {
		t.Run(golden, func(t *testing.T) {
			shop := &measuredShop{answer: vector(), alerts: someAlerts()}
			if strings.Contains(strings.Join(args, " "), "--range") {
				shop.answer = matrix()
			}
			w := clitest.NewWorld(t).Serve(shop)
			w.Want(cmdutil.ExitOK, args...)
			w.Golden(golden)
		})
	}
}

func TestAQuerySaysWhatItWants(t *testing.T) {
	shop := &measuredShop{answer: matrix()}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "metrics", "query", "--time", "5m", "--range", "15m", "--step", "30s", "up")
	q := shop.asked
	if q.GetExpr() != "up" || q.GetRange().AsDuration() != 15*time.Minute || q.GetStep().AsDuration() != 30*time.Second || !q.GetTime().AsTime().Equal(clitest.TestNow().Add(-5*time.Minute)) {
		t.Errorf("asked %v", q)
	}
	w.Want(cmdutil.ExitOK, "metrics", "query", "--plot", "up")
	if got := shop.asked.GetRange().AsDuration(); got != 15*time.Minute {
		t.Errorf("a plot is of %s", got)
	}
	shop.answer = &controlpb.QueryMetricsResponse{ResultType: "vector", Warnings: []string{`there is no metric "u"; did you mean "up"?`}}
	w.Want(cmdutil.ExitOK, "metrics", "query", "u")
	w.WantErr(`there is no metric "u"; did you mean "up"?`, "no series found", "next: shopctl metrics list")
	shop.answer = &controlpb.QueryMetricsResponse{ResultType: "string", Text: "hello"}
	w.Want(cmdutil.ExitOK, "metrics", "query", `"hello"`)
	w.WantOut("hello\n")
}

func TestAQueryThatCannotBeIsExplained(t *testing.T) {
	shop := &measuredShop{err: control.Error(codes.InvalidArgument, "query metrics: 1:1: parse error: x", "did you mean rate()?", 2)}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitUsage, "metrics", "query", "x(")
	w.WantErr("error: query metrics: 1:1: parse error", "hint: did you mean rate()?")
	for _, c := range []struct{ args, hint string }{
		{"--range -5m", "--range 15m"},
		{"--step 5s", "--range 15m --step 15s"},
		{"--range 5m --step 0s", "--step 15s"},
		{"--plot -o json", "-o json"},
		{"--time yesterday", "--time 5m"},
		{"too many", "shopctl metrics query --help"},
	} {
		w.Want(cmdutil.ExitUsage, append([]string{"metrics", "query", "x"}, strings.Fields(c.args)...)...)
		w.WantErr("hint: " + c.hint)
	}
}

func TestTheNameOfAMetricIsCompletedWithinAnExpression(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&measuredShop{})
	w.Want(cmdutil.ExitOK, "__complete", "metrics", "query", "sum(rate(ord")
	w.WantOut("sum(rate(orders_total\n")
}

func TestAlertsCanFailAScript(t *testing.T) {
	shop := &measuredShop{alerts: someAlerts()}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitFailed, "alerts", "--fail", "-o", "name")
	w.WantOut("Down\nSlow\n")
	w.Want(cmdutil.ExitOK, "alerts")
	w.WantErr("next: shopctl alerts history")
	shop.alerts = &controlpb.ListAlertsResponse{Rules: someAlerts().GetRules()}
	w.Want(cmdutil.ExitOK, "alerts", "--fail")
	w.WantOut("no alert is pending or firing; 2 rules are active")
	w.Want(cmdutil.ExitOK, "alerts", "history")
	w.WantErr("no alert has been pending or firing")
	w.Want(cmdutil.ExitUsage, "alerts", "histroy")
	w.WantErr("hint: shopctl alerts history")
}

func TestExportsWriteFilesAndReplaceNoneUnasked(t *testing.T) {
	shop := &measuredShop{
		FakeShop: clitest.FakeShop{Current: &controlpb.StatusResponse{PrometheusUrl: "http://127.0.0.1:9090"}, Objects: []*controlpb.Object{
			clitest.Object("monitoring.coreos.com/v1", "PrometheusRule", "shop", map[string]any{"spec": map[string]any{"groups": []any{map[string]any{
				"name": "g", "rules": []any{map[string]any{"alert": "Down", "expr": "up == 0", "for": "1m"}},
			}}}}),
		}},
		answer: &controlpb.QueryMetricsResponse{ResultType: "vector", Series: []*controlpb.MetricSeries{
			series([]float64{1}, "__name__", "up", "job", "cartservice", "instance", "127.0.0.1:1", "namespace", "production", "pod", "c"),
			series([]float64{1}, "__name__", "up", "job", "shopctl", "instance", "shopctl"),
		}},
	}
	w := clitest.NewWorld(t).Serve(shop)
	dir := filepath.Join(t.TempDir(), "out")
	w.Want(cmdutil.ExitOK, "export", "prometheus", "--dir", dir)
	w.WantOut(filepath.Join(dir, "prometheus.yml")+"\n", filepath.Join(dir, "rules", "production-shop.yml")+"\n")
	for name, parts := range map[string][]string{
		"prometheus.yml":            {"rules/production-shop.yml", "- 127.0.0.1:1", "pod: c", "- 127.0.0.1:9090"},
		"rules/production-shop.yml": {"alert: Down", "expr: up == 0", "for: 1m", "interval: 15s"},
	} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parts {
			if !strings.Contains(string(content), part) {
				t.Errorf("%s lacks %q:\n%s", name, part, content)
			}
		}
	}
	w.Want(cmdutil.ExitFailed, "export", "prometheus", "--dir", dir)
	w.WantErr("exists already", "--force")
	w.Want(cmdutil.ExitOK, "export", "prometheus", "--dir", dir, "--force", "--federate")
	w.Want(cmdutil.ExitOK, "export", "grafana", "--dir", dir)
	w.WantOut("shop-overview.json")
	w.WantErr("files to " + dir)
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "prometheus.yml"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Want(cmdutil.ExitFailed, "export", "prometheus", "--dir", foreign, "--force")
	w.WantErr("it exists and was not written by shopctl export", "hint: choose another --dir")
	if content, err := os.ReadFile(filepath.Join(foreign, "prometheus.yml")); err != nil || string(content) != "mine" {
		t.Errorf("the user's file is %q, %v", content, err)
	}
	shop.Current = &controlpb.StatusResponse{}
	w.Want(cmdutil.ExitFailed, "export", "grafana", "--dir", filepath.Join(dir, "x"))
	w.WantErr("the Prometheus API is not available", "hint: shopctl down && shopctl up")
}
