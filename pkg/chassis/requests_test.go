package chassis_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func TestOneRequestIsOneTraceAndTheExporterIsUntraced(t *testing.T) {
	sink := chassistest.NewSink(t)
	back := chassistest.Start(t, serving(noAds), map[string]string{"SERVICE_VERSION": "v7"}, chassistest.WithSink(sink), chassistest.WithName("adservice"))
	front := chassistest.Start(t, relay(), map[string]string{"AD_SERVICE_ADDR": back.Addr}, chassistest.WithSink(sink), chassistest.WithName("relay"))
	const id = "0af7651916cd43dd8448eb211c80319c"
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", "00-"+id+"-b7ad6b7169203331-01")
	if err := get(t, ctx, front); err != nil {
		t.Fatal(err)
	}
	spans := sink.Wait(t, func(s []chassistest.Span) bool { return len(s) >= 3 })
	byID := map[string]chassistest.Span{}
	for _, s := range spans {
		byID[s.ID()] = s
		if s.Trace() != id {
			t.Errorf("span %s of %s has trace %s, want the caller's", s.Name, s.Service, s.Trace())
		}
		if strings.Contains(s.Name, "opentelemetry") || strings.Contains(s.Name, "grpc.health") {
			t.Errorf("span %s of the platform itself", s.Name)
		}
	}
	for _, s := range spans {
		if s.Service == "adservice" && byID[s.Parent()].Service != "relay" {
			t.Errorf("the server span's parent is %q, want the relay's client span", byID[s.Parent()].Service)
		}
	}
	if !strings.Contains(front.Logs(), `"trace_id":"`+id+`"`) {
		t.Errorf("the log line misses the trace id:\n%s", front.Logs())
	}
}

func TestWithoutACollectorTheTraceContextStillPassesThrough(t *testing.T) {
	seen := make(chan string, 1)
	back := chassistest.Start(t, serving(func(ctx context.Context, _ *pb.AdRequest) (*pb.AdResponse, error) {
		seen <- trace.SpanContextFromContext(ctx).TraceID().String()
		return &pb.AdResponse{}, nil
	}), nil)
	front := chassistest.Start(t, relay(), map[string]string{"AD_SERVICE_ADDR": back.Addr})
	const id = "0af7651916cd43dd8448eb211c80319c"
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", "00-"+id+"-b7ad6b7169203331-01")
	if err := get(t, ctx, front); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != id {
		t.Errorf("trace id %s, want %s", got, id)
	}
}

func TestHTTPIsMeasuredByRouteAndAPanicIs500(t *testing.T) {
	s := chassistest.Start(t, func(_ context.Context, rt *chassis.Runtime) error {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /product/{id}", func(w http.ResponseWriter, r *http.Request) {
			if r.PathValue("id") == "bad" {
				panic("bad product")
			}
		})
		rt.ServeHTTP(mux)
		return nil
	}, nil)
	for path, want := range map[string]int{"/product/1": 200, "/product/2": 200, "/product/bad": 500, "/nowhere/at/all": 404} {
		res, err := http.Get("http://" + s.Addr + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	m := metrics(t, s)
	for _, want := range []string{
		`http_requests_total{code="200",method="GET",route="/product/{id}"} 2`,
		`http_requests_total{code="500",method="GET",route="/product/{id}"} 1`,
		`http_requests_total{code="404",method="GET",route="other"} 1`,
		"http_requests_in_flight 0",
	} {
		if !strings.Contains(m, want) {
			t.Errorf("metrics miss %s", want)
		}
	}
}

func TestEveryLogLineIsJSONWithTimeSeverityAndMessage(t *testing.T) {
	s := chassistest.Start(t, serving(noAds), nil)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(s.Logs()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, key := range []string{"timestamp", "severity", "message", "service"} {
			if m[key] == nil {
				t.Errorf("%q misses %s", line, key)
			}
		}
	}
}

func metrics(t *testing.T, s *chassistest.Service) string {
	t.Helper()
	res, err := http.Get("http://" + s.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return string(body)
}
