package scrape

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const metricsText = `# HELP grpc_server_handled_total x
# TYPE grpc_server_handled_total counter
grpc_server_handled_total{grpc_code="OK",grpc_method="Convert",grpc_service="hipstershop.CurrencyService",grpc_type="unary"} 90
grpc_server_handled_total{grpc_code="Unavailable",grpc_method="Convert",grpc_service="hipstershop.CurrencyService",grpc_type="unary"} 10
grpc_server_handled_total{grpc_code="NotFound",grpc_method="Convert",grpc_service="hipstershop.CurrencyService",grpc_type="unary"} 5
grpc_server_handled_total{grpc_code="OK",grpc_method="Check",grpc_service="grpc.health.v1.Health",grpc_type="unary"} 1000
grpc_server_handling_seconds_bucket{grpc_method="Convert",grpc_service="hipstershop.CurrencyService",grpc_type="unary",le="0.001"} 50
grpc_server_handling_seconds_bucket{grpc_method="Convert",grpc_service="hipstershop.CurrencyService",grpc_type="unary",le="+Inf"} 105
grpc_server_handling_seconds_bucket{grpc_method="Follow",grpc_service="shopctl.shop.v1.Tracking",grpc_type="server_stream",le="0.001"} 0
grpc_server_handling_seconds_bucket{grpc_method="Follow",grpc_service="shopctl.shop.v1.Tracking",grpc_type="server_stream",le="+Inf"} 1000
http_requests_total{method="GET",route="/product/{id}",code="200"} 7
http_requests_total{method="GET",route="/",code="503"} 3
http_requests_total{method="GET",route="/_healthz",code="200"} 99
http_requests_total{method="GET",route="/-/status",code="200"} 99
http_request_duration_seconds_bucket{route="a \"quoted\" one",le="0.5"} 7
http_request_duration_seconds_sum{route="/"} 1.5
go_goroutines 12
`

func target(job, addr string) Target {
	return Target{Run: job + addr, Addr: addr, Labels: labels.FromStrings("namespace", "production", "job", job, "instance", addr)}
}

// rig scrapes targets at times that the test says.
type rig struct {
	*Scraper
	db      *tsdb.DB
	targets []Target
	at      time.Time
}

func newRig(t *testing.T, limits Limits) *rig {
	t.Helper()
	r := &rig{db: tsdb.New(tsdb.Config{}), at: time.UnixMilli(1_000_000)}
	r.Scraper = New(Config{Targets: func() []Target { return r.targets }, DB: r.db, Now: func() time.Time { return r.at }, Limits: limits})
	t.Cleanup(func() { r.work.Wait(); r.http.CloseIdleConnections() })
	return r
}

func (r *rig) scrapeAfter(ctx context.Context, d time.Duration) {
	r.at = r.at.Add(d)
	r.pass(ctx, r.at, true)
}

// serve answers /metrics with what text says now.
func serve(t *testing.T, text func() string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text()) }))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// last is the newest sample of the only series that matches "name" and the pairs; NaN if there is none.
func (r *rig) last(t *testing.T, name string, pairs ...string) float64 {
	t.Helper()
	q, _ := r.db.Querier(0, math.MaxInt64)
	ms := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name)}
	for i := 0; i < len(pairs); i += 2 {
		ms = append(ms, labels.MustNewMatcher(labels.MatchEqual, pairs[i], pairs[i+1]))
	}
	v := math.NaN()
	for set := q.Select(t.Context(), true, nil, ms...); set.Next(); {
		for it := set.At().Iterator(nil); it.Next() != chunkenc.ValNone; {
			_, v = it.At()
		}
	}
	return v
}

func isStale(v float64) bool { return math.Float64bits(v) == math.Float64bits(tsdb.StaleNaN()) }

func TestSeriesCarryTheLabelsOfTheirTarget(t *testing.T) {
	r := newRig(t, Limits{})
	r.targets = []Target{target("cart", serve(t, func() string { return "# HELP m of a kind\n# TYPE m counter\nm{job=\"x\",le=\"1\"} 5\n" }))}
	r.scrapeAfter(t.Context(), 0)
	if v := r.last(t, "m", "job", "cart", "exported_job", "x", "namespace", "production"); v != 5 {
		t.Errorf("m is %v", v)
	}
	if up, n := r.last(t, "up", "job", "cart"), r.last(t, "scrape_samples_scraped"); up != 1 || n != 1 {
		t.Errorf("up %v, samples %v", up, n)
	}
	if m, ok := r.db.MetadataOf("m"); !ok || m.Type != "counter" || m.Help != "of a kind" {
		t.Errorf("metadata %+v", m)
	}
	if st := r.Targets(); len(st) != 1 || st[0].Health != Up || st[0].Err != nil {
		t.Errorf("targets %+v", st)
	}
}

func TestWhatIsGoneIsMarkedStale(t *testing.T) {
	text := "a 1\nb 1\n"
	r := newRig(t, Limits{})
	r.targets = []Target{target("cart", serve(t, func() string { return text }))}
	r.scrapeAfter(t.Context(), 0)
	text = "a 2\n"
	r.scrapeAfter(t.Context(), time.Second)
	if !isStale(r.last(t, "b")) || r.last(t, "a") != 2 {
		t.Errorf("a series that went: %v, one that stayed: %v", r.last(t, "b"), r.last(t, "a"))
	}
	text = "a{ 2\n"
	r.scrapeAfter(t.Context(), time.Second)
	if !isStale(r.last(t, "a")) || r.last(t, "up") != 0 {
		t.Errorf("after garbage: a %v, up %v", r.last(t, "a"), r.last(t, "up"))
	}
	text = "a 3\n"
	r.scrapeAfter(t.Context(), time.Second)
	if r.last(t, "a") != 3 || r.last(t, "up") != 1 {
		t.Errorf("it does not recover: a %v, up %v", r.last(t, "a"), r.last(t, "up"))
	}
	r.targets = nil
	r.scrapeAfter(t.Context(), time.Second)
	if !isStale(r.last(t, "a")) || !isStale(r.last(t, "up")) || len(r.Targets()) > 0 {
		t.Errorf("a target that went: a %v, up %v", r.last(t, "a"), r.last(t, "up"))
	}
}

func TestNoTargetHurtsAnother(t *testing.T) {
	hang := make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		select {
		case <-hang:
		case <-req.Context().Done():
		}
	}))
	defer stuck.Close()
	defer close(hang)
	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, "name_%d 1\n", i)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	r := newRig(t, Limits{Timeout: time.Second, Samples: 1000, Body: 100_000, Value: 100})
	bad := map[string]string{
		"hangs":   stuck.Listener.Addr().String(),
		"garbage": serve(t, func() string { return "\x00\xff<html>" }),
		"large":   serve(t, func() string { return strings.Repeat("x", 200_000) }),
		"many":    serve(t, many.String),
		"long":    serve(t, func() string { return `m{a="` + strings.Repeat("x", 200) + `"} 1` + "\n" }),
		"labels":  serve(t, func() string { return `m{` + strings.Repeat(`a="1",`, 3) + `} 1` + "\n" }),
		"refuses": gone.Listener.Addr().String(),
	}
	for job, addr := range bad {
		r.targets = append(r.targets, target(job, addr))
	}
	r.targets = append(r.targets, target("good", serve(t, func() string { return "m 1\n" })))
	r.scrapeAfter(t.Context(), 0)
	r.work.Wait()
	if up := r.last(t, "up", "job", "good"); up != 1 {
		t.Errorf("the good one is not up: %v", up)
	}
	for job := range bad {
		if up := r.last(t, "up", "job", job); up != 0 {
			t.Errorf("%s: up is %v", job, up)
		}
	}
	for _, st := range r.Targets() {
		t.Logf("%s: %v", st.Labels.Get("job"), st.Err)
		if (st.Err != nil) != (st.Labels.Get("job") != "good") {
			t.Errorf("%s: error %v", st.Labels.Get("job"), st.Err)
		}
	}
	if s := r.db.Stats(); s.Series > 3*len(r.targets)+1 {
		t.Errorf("%d series are kept", s.Series)
	}
}

func TestOwnMetricsAreReadLikeATarget(t *testing.T) {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "calls_total", Help: "Calls."}, []string{"client"})
	registry.MustRegister(counter)
	counter.WithLabelValues("cart").Add(3)
	r := newRig(t, Limits{})
	r.targets = []Target{{Run: "own", Gatherer: registry, Labels: labels.FromStrings("job", "shopctl")}}
	r.scrapeAfter(t.Context(), 0)
	if v := r.last(t, "calls_total", "client", "cart", "job", "shopctl"); v != 3 {
		t.Errorf("calls_total is %v", v)
	}
}

func TestAWatcherGetsFreshNumbersSoon(t *testing.T) {
	var requests atomic.Int64
	addr := serve(t, func() string { return fmt.Sprintf("http_requests_total{code=\"200\"} %d\n", requests.Add(10)) })
	passes := make(chan time.Time, 1000)
	s := New(Config{
		Targets: func() []Target { return []Target{target("front", addr)} }, DB: tsdb.New(tsdb.Config{}), Now: time.Now,
		After: func(at time.Time) { passes <- at },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	<-passes
	if results, _ := s.Stats(); len(results) > 0 {
		t.Errorf("measured without a watcher: %v", results)
	}
	release := s.Watch()
	for {
		results, changed := s.Stats()
		if st := results["production/front"]; st.Requests > 0 {
			if st.Rate <= 0 || len(st.RateHistory) < 1 {
				t.Errorf("stats %v", st)
			}
			break
		}
		<-changed
	}
	release()
	cancel()
	<-done
}

func TestARefreshScrapesBeforeItReturns(t *testing.T) {
	var value atomic.Int64
	value.Store(1)
	r := newRig(t, Limits{})
	r.targets = []Target{target("cart", serve(t, func() string { return fmt.Sprintf("m %d\n", value.Load()) }))}
	began := r.at
	ticks := atomic.Int64{}
	r.cfg.Now = func() time.Time { return began.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		r.Run(ctx)
		close(done)
	}()
	r.Refresh(t.Context())
	value.Store(2)
	r.Refresh(t.Context())
	if v := r.last(t, "m"); v != 2 {
		t.Errorf("m is %v after a refresh", v)
	}
	stop()
	<-done
	r.Refresh(ctx) // the scraper has ended: it does not wait
}

func TestThePaceFollowsWhoLooksAndWhatHappens(t *testing.T) {
	s := New(Config{Now: time.Now})
	for _, c := range []struct {
		watched, first, rousable bool
		quiet                    int
		want                     time.Duration
	}{
		{watched: true, first: true, want: firstPause},
		{watched: true, want: watchedEvery},
		{want: backgroundEvery},
		{quiet: quietAfter, want: quietEvery, rousable: true},
		{watched: true, quiet: quietAfter, want: quietEvery, rousable: true},
	} {
		if got, rousable := s.pace(c.watched, c.quiet, c.first); got != c.want || rousable != c.rousable {
			t.Errorf("%+v: %s, rousable %v", c, got, rousable)
		}
	}
}

func FuzzMetricsAreReadWithoutPanic(f *testing.F) {
	for _, contentType := range []string{"text/plain", "application/openmetrics-text", "x"} {
		f.Add(metricsText, contentType)
		f.Add("m{a=\"\\", contentType)
		f.Add("# TYPE m histogram\nm_bucket{le=\"1\"} 1 # {trace_id=\"a\"} 1\n# EOF\n", contentType)
	}
	f.Fuzz(func(t *testing.T, text, contentType string) {
		l := newLoop(target("x", "y"))
		limits := Limits{Samples: 100}
		limits.setDefaults()
		db := tsdb.New(tsdb.Config{})
		for at := range int64(2) {
			b := body{[]byte(text), contentType}
			_, err := l.parse(b, limits)
			l.store(db, at, 0, err)
			l.describe(b, db)
		}
		if n := db.Stats().Series; n > 103 {
			t.Errorf("%d series", n)
		}
	})
}
