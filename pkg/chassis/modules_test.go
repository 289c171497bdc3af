package chassis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// site is a module with a page that asks ads, and ads a module of its own.
func site(get func(context.Context, *pb.AdRequest) (*pb.AdResponse, error)) []chassis.Module {
	return []chassis.Module{
		{Name: "site", Workload: "site", Setup: func(_ context.Context, rt *chassis.Runtime) error {
			conn, err := rt.Dial("AD_SERVICE_ADDR")
			if err != nil {
				return err
			}
			ads := pb.NewAdServiceClient(conn)
			mux := http.NewServeMux()
			mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
				resp, err := ads.GetAds(r.Context(), &pb.AdRequest{})
				_, _ = fmt.Fprint(w, resp.GetAds(), err)
			})
			rt.ServeHTTP(mux)
			return nil
		}},
		{Name: "ad", Workload: "adservice", Setup: serving(get)},
	}
}

func siteEnv(more ...string) map[string]string {
	env := map[string]string{"AD_SERVICE_ADDR": "inproc://ad"}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

func page(t *testing.T, s *chassistest.Service) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	res, err := client.Get("http://" + s.Addr + "/page")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func oneAd(context.Context, *pb.AdRequest) (*pb.AdResponse, error) {
	return &pb.AdResponse{Ads: []*pb.Ad{{Text: "buy"}}}, nil
}

func TestOnePortTakesHTTPAndTheGRPCOfAllModules(t *testing.T) {
	s := chassistest.StartModules(t, site(oneAd), siteEnv())
	if got := page(t, s); !strings.Contains(got, "buy") {
		t.Errorf("the page says %q", got)
	}
	if err := get(t, t.Context(), s); err != nil {
		t.Errorf("gRPC at the same port: %v", err)
	}
	m := metrics(t, s)
	for _, want := range []string{
		`grpc_server_handled_total{grpc_code="OK",grpc_method="GetAds",grpc_service="hipstershop.AdService",grpc_type="unary",module="ad"} 2`,
		`http_requests_total{code="200",method="GET",module="site",route="/page"} 1`,
	} {
		if !strings.Contains(m, want) {
			t.Errorf("metrics miss %s", want)
		}
	}
	if n := strings.Count(m, "\ngo_goroutines"); n != 1 {
		t.Errorf("the process tells of itself %d times", n)
	}
}

func TestAConnectionThatNeverSaysWhatItIsEndsWithTheProcess(t *testing.T) {
	s := chassistest.StartModules(t, site(oneAd), siteEnv())
	silent, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	page(t, s) // so that the silent one has been accepted
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still there")
	}
}

func TestSpansOfModulesNameTheModuleAndThatNoNetworkWasCrossed(t *testing.T) {
	sink := chassistest.NewSink(t)
	s := chassistest.StartModules(t, site(oneAd), siteEnv("OTEL_SERVICE_NAME", "monolith"), chassistest.WithSink(sink))
	page(t, s)
	spans := sink.Wait(t, func(all []chassistest.Span) bool { return len(all) >= 3 })
	inproc := map[string]string{}
	for _, span := range spans {
		inproc[span.Service+" "+span.Kind.String()] = span.Attr("network.transport")
	}
	for side, want := range map[string]string{"site SPAN_KIND_SERVER": "", "site SPAN_KIND_CLIENT": "inproc", "adservice SPAN_KIND_SERVER": "inproc"} {
		if got, ok := inproc[side]; !ok || got != want {
			t.Errorf("%s: transport %q (%v), want %q", side, got, ok, want)
		}
	}
}

func TestAFaultMeetsItsModuleAlone(t *testing.T) {
	s := chassistest.StartModules(t, site(oneAd), siteEnv())
	faults := []lifeline.Fault{{ID: "f1", Module: "adservice", Percent: 100, Code: "RESOURCE_EXHAUSTED"}}
	s.Send(lifeline.Down{Faults: &faults})
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(page(t, s), "ResourceExhausted"); {
		if time.Now().After(deadline) {
			t.Fatal("the fault never took effect")
		}
	}
	faults = []lifeline.Fault{{ID: "f2", Module: "site", Percent: 100, Code: "UNAVAILABLE"}}
	s.Send(lifeline.Down{Faults: &faults})
	for deadline := time.Now().Add(30 * time.Second); get(t, t.Context(), s) != nil || !strings.Contains(page(t, s), "injected fault f2"); {
		if time.Now().After(deadline) {
			t.Fatal("the fault did not move to the other module")
		}
	}
}

func TestAVariableWithAModulesNameIsThatModulesAlone(t *testing.T) {
	dir := t.TempDir()
	env := siteEnv("WORD", "all", "AD_WORD", "mine", "DATA_DIR", dir)
	for _, m := range site(oneAd) {
		seen := make(chan [2]string, 1)
		inner := m.Setup
		modules := site(oneAd)
		for i := range modules {
			if modules[i].Name == m.Name {
				modules[i].Setup = func(ctx context.Context, rt *chassis.Runtime) error {
					seen <- [2]string{rt.Getenv("WORD"), rt.DataDir()}
					return inner(ctx, rt)
				}
			}
		}
		if err := chassistest.StartModules(t, modules, env).Stop(); err != nil {
			t.Fatal(err)
		}
		want := [2]string{map[string]string{"site": "all", "ad": "mine"}[m.Name], filepath.Join(dir, m.Workload)}
		if got := <-seen; got != want {
			t.Errorf("%s: %v, want %v", m.Name, got, want)
		}
	}
}

func TestModulesAreReadyTogether(t *testing.T) {
	var broken atomic.Bool
	modules := append(site(oneAd), chassis.Module{Name: "store", Workload: "store", Setup: func(_ context.Context, rt *chassis.Runtime) error {
		rt.Ready("store", func(context.Context) error {
			if broken.Load() {
				return errors.New("gone")
			}
			return nil
		})
		return nil
	}})
	s := chassistest.StartModules(t, modules, siteEnv())
	client := healthpb.NewHealthClient(s.Conn())
	watch, err := client.Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	await := awaiting(t, watch)
	await(healthpb.HealthCheckResponse_SERVING)
	broken.Store(true)
	await(healthpb.HealthCheckResponse_NOT_SERVING)
	for service, want := range map[string]healthpb.HealthCheckResponse_ServingStatus{
		"liveness": healthpb.HealthCheckResponse_SERVING, "hipstershop.AdService": healthpb.HealthCheckResponse_SERVING,
	} {
		if m, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service}); err != nil || m.Status != want {
			t.Errorf("%s: %v, %v, want %v", service, m.GetStatus(), err, want)
		}
	}
}

func TestADrainLetsCallsBetweenModulesFinish(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	s := chassistest.StartModules(t, site(func(context.Context, *pb.AdRequest) (*pb.AdResponse, error) {
		close(begun)
		<-release
		return oneAd(context.Background(), nil)
	}), siteEnv())
	got := make(chan string, 1)
	go func() { got <- page(t, s) }()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	health := healthpb.NewHealthClient(s.Conn())
	for deadline := time.Now().Add(30 * time.Second); ; {
		m, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{})
		if err != nil || m.GetStatus() == healthpb.HealthCheckResponse_NOT_SERVING {
			break // it drains
		}
		if time.Now().After(deadline) {
			t.Fatal("it never began to drain")
		}
	}
	close(release)
	if text := <-got; !strings.Contains(text, "buy") {
		t.Errorf("the page says %q", text)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestModulesThatCannotShareAProcessAreRefusedWithTheReason(t *testing.T) {
	test := func(_ context.Context, rt *chassis.Runtime) error {
		conn, err := rt.Dial("TEST_SERVICE_ADDR")
		if err == nil {
			_ = testpb.NewTestServiceClient(conn)
		}
		return err
	}
	two := append(site(oneAd), chassis.Module{Name: "second", Workload: "second", Setup: func(_ context.Context, rt *chassis.Runtime) error {
		rt.ServeHTTP(http.NotFoundHandler())
		return nil
	}})
	raw := append(site(oneAd), chassis.Module{Name: "raw", Workload: "raw", Setup: func(_ context.Context, rt *chassis.Runtime) error {
		rt.ServeTCP(func(context.Context, net.Listener) error { return nil })
		return nil
	}})
	options := func(env map[string]string) chassis.Options {
		return chassis.Options{Name: "m", Workload: "m", Getenv: func(k string) string { return env[k] }, Stdout: io.Discard}
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"two sites":      {chassis.RunModules(t.Context(), options(siteEnv()), two), "site serves HTTP already"},
		"raw TCP":        {chassis.RunModules(t.Context(), options(siteEnv()), raw), "it needs its own port"},
		"no such module": {chassis.RunModules(t.Context(), options(siteEnv("AD_SERVICE_ADDR", "inproc://adds")), site(oneAd)), "the modules of this process are site, ad"},
		"alone": {
			chassis.Run(t.Context(), options(map[string]string{"TEST_SERVICE_ADDR": "inproc://ad"}), test),
			"m runs in another process: want host:port",
		},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, c.err, c.want)
		}
	}
}

func TestModulesLeaveWithTheirDaemon(t *testing.T) {
	s := chassistest.StartModules(t, site(oneAd), siteEnv())
	if err := s.Kill(); !errors.Is(err, chassis.ErrLifeline) {
		t.Errorf("%v, want the end of the lifeline", err)
	}
	if err := get(t, t.Context(), s); status.Code(err) != codes.Unavailable {
		t.Errorf("%v, want UNAVAILABLE", err)
	}
}
