package promapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/observe/alert"
	"github.com/shopctl/shopctl/pkg/observe/export"
	"github.com/shopctl/shopctl/pkg/observe/promapi"
	"github.com/shopctl/shopctl/pkg/observe/query"
	"github.com/shopctl/shopctl/pkg/observe/scrape"
	"github.com/shopctl/shopctl/pkg/observe/tsdb"
	"github.com/shopctl/shopctl/pkg/rule"
)

// program finds a program of Prometheus. Where there is none the test has nothing to run; CI must have it.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no %s: apt-get install prometheus", name)
		}
		t.Logf("no %s here", name)
	}
	return path
}

// live is an API over a store into which one instance is scraped.
func live(t *testing.T) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	orders := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "orders_total", Help: "Orders."}, []string{"result"})
	registry.MustRegister(orders)
	orders.WithLabelValues("ok").Add(42)
	db := tsdb.New(tsdb.Config{})
	s := scrape.New(scrape.Config{DB: db, Now: time.Now, Targets: func() []scrape.Target {
		return []scrape.Target{{Run: "1", Gatherer: registry, Labels: labels.FromStrings("job", "cart", "instance", "cart-1", "namespace", "production")}}
	}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	engine := query.New(db)
	srv := httptest.NewServer(promapi.New(promapi.Config{
		Query: engine, DB: db, Rules: alert.New(alert.Config{DB: db}), Targets: s.Targets, Own: registry, Now: time.Now, Version: "test",
	}))
	t.Cleanup(func() {
		cancel()
		<-done
		srv.Close()
		_ = engine.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	eventually.True(t, "something is scraped", func() bool { return value(srv.URL, `orders_total{result="ok"}`) == "42" })
	return srv.URL
}

// value is the result of an instant query that has one series, "" if it has none.
func value(api, expr string) string {
	resp, err := http.Get(api + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var body struct {
		Data struct {
			Result []struct {
				Value [2]any
			}
		}
	}
	if json.NewDecoder(resp.Body).Decode(&body) != nil || len(body.Data.Result) != 1 {
		return ""
	}
	return fmt.Sprint(body.Data.Result[0].Value[1])
}

func write(t *testing.T, dir string, files ...export.File) {
	t.Helper()
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func rules(t *testing.T) []export.File {
	t.Helper()
	limit := 5
	files, err := export.RuleFiles([]export.RuleObject{{Namespace: "production", Name: "shop", Spec: rule.Spec{Groups: []rule.Group{{
		Name: "g", Limit: &limit, Rules: []rule.Rule{
			{Record: "all:orders", Expr: intstr.FromString("sum(orders_total)")},
			{Alert: "Orders", Expr: intstr.FromInt32(1), For: "1m", KeepFiringFor: "2m", Annotations: map[string]string{"summary": "{{ $value | humanize }}: \"x\""}},
		},
	}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestPromtoolQueriesTheShop(t *testing.T) {
	promtool := program(t, "promtool")
	if promtool == "" {
		return
	}
	api := live(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"query", "instant", api, `sum(orders_total)`}, "42"},
		{[]string{"query", "range", "--step", "1s", api, `count(up)`}, "1 @["},
		{[]string{"query", "series", "--match", "orders_total", api}, `result="ok"`},
		{[]string{"query", "labels", api, "job"}, "cart"},
	} {
		out, err := exec.CommandContext(t.Context(), promtool, c.args...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("promtool %v: %v\n%s", c.args, err, out)
		}
	}
}

func TestPromtoolAcceptsWhatIsExported(t *testing.T) {
	promtool := program(t, "promtool")
	if promtool == "" {
		return
	}
	dir, files := t.TempDir(), rules(t)
	config, err := export.Prometheus("http://127.0.0.1:9090", []export.Target{
		{Address: "127.0.0.1:1", Labels: map[string]string{"job": "cart", "instance": "127.0.0.1:1", "pod": "cart-1"}},
		{Address: "127.0.0.1:2", Labels: map[string]string{"job": "ad", "instance": "127.0.0.1:2"}},
	}, files)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, append(files, config)...)
	for _, args := range [][]string{{"check", "rules", filepath.Join(dir, files[0].Name)}, {"check", "config", filepath.Join(dir, config.Name)}} {
		out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "2 rules found") {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

func TestAPrometheusFederatesTheShop(t *testing.T) {
	binary := program(t, "prometheus")
	if binary == "" {
		return
	}
	dir := t.TempDir()
	config, err := export.Prometheus(live(t), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	config.Content = []byte(strings.ReplaceAll(string(config.Content), "5s", "200ms"))
	write(t, dir, config)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, binary, "--config.file", filepath.Join(dir, config.Name), "--web.listen-address", addr, "--storage.tsdb.path", filepath.Join(dir, "data"))
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	defer func() { cancel(); _ = cmd.Wait() }()
	eventually.True(t, "Prometheus has what the shop has", func() bool {
		return value("http://"+addr, `orders_total{job="cart",instance="cart-1",namespace="production",result="ok"}`) == "42"
	})
}
