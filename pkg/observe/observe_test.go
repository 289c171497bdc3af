package observe

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEventsAreNumberedBoundedAndFollowed(t *testing.T) {
	e := NewEvents(time.Now)
	_, more := e.After(0)
	for i := range maxEvents + 10 {
		e.Add(&controlpb.Event{Service: "cart", Message: fmt.Sprint(i)})
	}
	<-more
	all, _ := e.After(0)
	if len(all) > maxEvents || len(all) < maxEvents/2 || all[len(all)-1].GetSequence() != maxEvents+10 {
		t.Errorf("%d events, the last is %v", len(all), all[len(all)-1])
	}
	if last, _ := e.After(maxEvents + 9); len(last) != 1 || last[0].GetTime() == nil {
		t.Errorf("after the one before the last: %v", last)
	}
	if !e.Knows("cart") || e.Knows("ad") {
		t.Error("Knows is wrong")
	}
}

const metricsText = `# HELP grpc_server_handled_total x
# TYPE grpc_server_handled_total counter
grpc_server_handled_total{grpc_code="OK",grpc_method="Convert",grpc_service="hipstershop.CurrencyService",grpc_type="unary"} 90
grpc_server_handled_total{grpc_code="Unavailable",grpc_method="Convert",grpc_service="hipstershop.CurrencyService",grpc_type="unary"} 10
grpc_server_handled_total{grpc_code="NotFound",grpc_method="Convert",grpc_service="hipstershop.CurrencyService",grpc_type="unary"} 5
grpc_server_handled_total{grpc_code="OK",grpc_method="Check",grpc_service="grpc.health.v1.Health",grpc_type="unary"} 1000
grpc_server_handling_seconds_bucket{grpc_method="Convert",grpc_service="hipstershop.CurrencyService",grpc_type="unary",le="0.001"} 50
grpc_server_handling_seconds_bucket{grpc_method="Convert",grpc_service="hipstershop.CurrencyService",grpc_type="unary",le="+Inf"} 105
http_requests_total{method="GET",route="/product/{id}",code="200"} 7
http_requests_total{method="GET",route="/",code="503"} 3
http_requests_total{method="GET",route="/_healthz",code="200"} 99
http_request_duration_seconds_bucket{route="a \"quoted\" one",le="0.5"} 7
http_request_duration_seconds_sum{route="/"} 1.5
go_goroutines 12
`

func TestOnlyRequestsAreCounted(t *testing.T) {
	c, err := parseMetrics(strings.NewReader(metricsText))
	if err != nil || c.requests != 115 || c.errors != 13 {
		t.Errorf("%v requests, %v errors, %v", c.requests, c.errors, err)
	}
	if c.buckets["0.001"] != 50 || c.buckets["+Inf"] != 105 || c.buckets["0.5"] != 7 {
		t.Errorf("buckets %v", c.buckets)
	}
}

func FuzzMetricsAreReadWithoutPanic(f *testing.F) {
	f.Add(metricsText)
	f.Add(`http_requests_total{a="\`)
	f.Fuzz(func(_ *testing.T, text string) { _, _ = parseMetrics(strings.NewReader(text)) })
}

func TestQuantilesAreInterpolatedWithinTheirBucket(t *testing.T) {
	bounds := sortedBounds(map[string]float64{"0.01": 50, "0.1": 90, "1": 100, "+Inf": 100})
	for q, want := range map[float64]float64{0.25: 0.005, 0.5: 0.01, 0.7: 0.055, 0.95: 0.55} {
		if got := quantile(q, bounds); math.Abs(got-want) > 1e-9 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := quantile(0.99, []bound{{0.1, 1}, {math.Inf(1), 10}}); got != 0.1 {
		t.Errorf("beyond the last bound: %v", got)
	}
	if got := quantile(0.5, nil); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestAWindowForgetsWhatIsOldAndSurvivesARestart(t *testing.T) {
	s := &series{}
	at := time.Unix(0, 0)
	for i := range 60 {
		s.add(at.Add(time.Duration(i)*time.Second), counters{requests: float64(10 * i)})
	}
	w := &window{buckets: map[string]float64{}}
	s.addTo(w)
	if got := w.stats().GetRequestsPerSecond(); got != 10 || w.span > statsWindow {
		t.Errorf("%v requests a second over %s", got, w.span)
	}
	s.add(at.Add(time.Minute), counters{requests: 3})
	w = &window{buckets: map[string]float64{}}
	if s.addTo(w); w.requests != 0 {
		t.Errorf("a restart counts as %v requests", w.requests)
	}
}

func TestNothingIsScrapedUnlessSomebodyWatches(t *testing.T) {
	var scrapes, requests atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		scrapes.Add(1)
		fmt.Fprintf(w, "http_requests_total{route=\"/\",code=\"200\"} %d\n", requests.Add(10))
	}))
	defer srv.Close()
	s := NewScraper(func() []Target { return []Target{{"front", "front-1", srv.Listener.Addr().String()}} }, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	if _, changed := s.Stats(); scrapes.Load() != 0 {
		t.Errorf("scraped without a watcher: %v", changed)
	}
	release := s.Watch()
	for {
		results, changed := s.Stats()
		if st := results["front"]; st.GetRequests() > 0 {
			if st.GetRequestsPerSecond() <= 0 || len(st.GetRpsHistory()) < 2 {
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
