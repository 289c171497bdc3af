package chassis_test

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ads is a server whose behavior a test sets.
type ads struct {
	pb.UnimplementedAdServiceServer
	get func(context.Context, *pb.AdRequest) (*pb.AdResponse, error)
}

func (a ads) GetAds(ctx context.Context, r *pb.AdRequest) (*pb.AdResponse, error) {
	return a.get(ctx, r)
}

func serving(get func(context.Context, *pb.AdRequest) (*pb.AdResponse, error)) chassis.Setup {
	return func(_ context.Context, rt *chassis.Runtime) error {
		pb.RegisterAdServiceServer(rt.Server(), ads{get: get})
		return nil
	}
}

func noAds(context.Context, *pb.AdRequest) (*pb.AdResponse, error) { return &pb.AdResponse{}, nil }

// relay is a server that calls the one behind it.
func relay(options ...chassis.DialOption) chassis.Setup {
	return func(_ context.Context, rt *chassis.Runtime) error {
		conn, err := rt.Dial("AD_SERVICE_ADDR", options...)
		if err != nil {
			return err
		}
		next := pb.NewAdServiceClient(conn)
		pb.RegisterAdServiceServer(rt.Server(), ads{get: func(ctx context.Context, r *pb.AdRequest) (*pb.AdResponse, error) {
			rt.Log().InfoContext(ctx, "relaying")
			return next.GetAds(ctx, r)
		}})
		return nil
	}
}

func get(t *testing.T, ctx context.Context, s *chassistest.Service) error {
	t.Helper()
	_, err := pb.NewAdServiceClient(s.Conn()).GetAds(ctx, &pb.AdRequest{})
	return err
}

func TestAPanicBecomesInternalAndItsStackStaysInTheLog(t *testing.T) {
	s := chassistest.Start(t, serving(func(context.Context, *pb.AdRequest) (*pb.AdResponse, error) { panic("secret detail") }), nil)
	err := get(t, t.Context(), s)
	if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v, want INTERNAL without the panic's text", err)
	}
	if !strings.Contains(s.Logs(), "secret detail") || !strings.Contains(s.Logs(), "chassis_test.go") {
		t.Errorf("the log misses the panic or its stack:\n%s", s.Logs())
	}
	if err := get(t, t.Context(), s); status.Code(err) != codes.Internal {
		t.Errorf("after a panic the service answers %v, want to live on", err)
	}
	if m := metrics(t, s); !strings.Contains(m, `grpc_server_handled_total{grpc_code="Internal",grpc_method="GetAds"`) {
		t.Error("a panic is not counted as INTERNAL")
	}
}

func TestEveryOutgoingCallHasADeadlineAndPassesOneOn(t *testing.T) {
	left := make(chan time.Duration, 1)
	back := chassistest.Start(t, serving(func(ctx context.Context, _ *pb.AdRequest) (*pb.AdResponse, error) {
		d, ok := ctx.Deadline()
		if !ok {
			left <- 0
		} else {
			left <- time.Until(d)
		}
		return &pb.AdResponse{}, nil
	}), nil)
	front := chassistest.Start(t, relay(), map[string]string{"AD_SERVICE_ADDR": back.Addr})
	if err := get(t, t.Context(), front); err != nil {
		t.Fatal(err)
	}
	if d := <-left; d <= 0 || d > 5*time.Second {
		t.Errorf("without a deadline the dependency got %v, want the default of 5 s", d)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := get(t, ctx, front); err != nil {
		t.Fatal(err)
	}
	if d := <-left; d <= 0 || d > 2*time.Second {
		t.Errorf("the dependency got %v, want what is left of the caller's 2 s", d)
	}
}

func TestAHungDependencyCostsADeadlineAndNoMore(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	front := chassistest.Start(t, relay(chassis.WithTimeout(50*time.Millisecond)), map[string]string{"AD_SERVICE_ADDR": l.Addr().String()})
	if err := get(t, t.Context(), front); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("error %v, want DEADLINE_EXCEEDED", err)
	}
}

func TestADeadDependencyIsUnavailableAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	front := chassistest.Start(t, relay(), map[string]string{"AD_SERVICE_ADDR": addr})
	if err := get(t, t.Context(), front); status.Code(err) != codes.Unavailable {
		t.Errorf("error %v, want UNAVAILABLE", err)
	}
}

func TestARetriedMethodIsSentAgainOnUnavailableOnly(t *testing.T) {
	var calls atomic.Int32
	code := codes.Unavailable
	back := chassistest.Start(t, serving(func(context.Context, *pb.AdRequest) (*pb.AdResponse, error) {
		if calls.Add(1) < 3 {
			return nil, status.Error(code, "no")
		}
		return &pb.AdResponse{}, nil
	}), nil)
	env := map[string]string{"AD_SERVICE_ADDR": back.Addr}
	if err := get(t, t.Context(), chassistest.Start(t, relay(chassis.WithRetry(pb.AdService_GetAds_FullMethodName)), env)); err != nil || calls.Load() != 3 {
		t.Errorf("with retry: %v after %d calls, want success after 3", err, calls.Load())
	}
	calls.Store(0)
	if err := get(t, t.Context(), chassistest.Start(t, relay(), env)); status.Code(err) != codes.Unavailable || calls.Load() != 1 {
		t.Errorf("without retry: %v after %d calls, want UNAVAILABLE after 1", err, calls.Load())
	}
}

func TestEndpointsArriveOverTheLifeline(t *testing.T) {
	name := func(n string) chassis.Setup {
		return serving(func(context.Context, *pb.AdRequest) (*pb.AdResponse, error) {
			return &pb.AdResponse{Ads: []*pb.Ad{{Text: n}}}, nil
		})
	}
	a, b := chassistest.Start(t, name("a"), nil), chassistest.Start(t, name("b"), nil)
	const stable = "127.0.0.1:1"
	front := chassistest.Start(t, relay(), map[string]string{"AD_SERVICE_ADDR": stable})
	client := pb.NewAdServiceClient(front.Conn())
	send := func(addrs ...string) {
		m := map[string][]string{stable: addrs}
		front.Send(lifeline.Down{Endpoints: &m})
	}
	until := func(what string, ok func(string, error) bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; {
			r, err := client.GetAds(t.Context(), &pb.AdRequest{})
			text := ""
			if len(r.GetAds()) > 0 {
				text = r.Ads[0].Text
			}
			if ok(text, err) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("waited in vain for %s; last answer %q, %v", what, text, err)
			}
		}
	}
	send(a.Addr, b.Addr)
	until("a", func(s string, _ error) bool { return s == "a" })
	until("b", func(s string, _ error) bool { return s == "b" })
	send(b.Addr)
	last := 0
	until("ten answers of b in a row", func(s string, _ error) bool {
		if s == "b" {
			last++
		} else {
			last = 0
		}
		return last == 10
	})
	send()
	until("unavailable", func(_ string, err error) bool { return status.Code(err) == codes.Unavailable })
}

func TestFaultsArriveOverTheLifelineAndSpareHealthChecks(t *testing.T) {
	s := chassistest.Start(t, serving(noAds), nil)
	faults := []lifeline.Fault{{ID: "f1", Method: "GetAds", Percent: 100, Code: "RESOURCE_EXHAUSTED"}}
	s.Send(lifeline.Down{Faults: &faults})
	var err error
	for deadline := time.Now().Add(30 * time.Second); status.Code(err) != codes.ResourceExhausted; {
		if err = get(t, t.Context(), s); time.Now().After(deadline) {
			t.Fatalf("the fault never took effect: %v", err)
		}
	}
	if _, err := healthpb.NewHealthClient(s.Conn()).Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Errorf("a fault hit health: %v", err)
	}
	none := []lifeline.Fault{}
	s.Send(lifeline.Down{Faults: &none})
	for deadline := time.Now().Add(30 * time.Second); get(t, t.Context(), s) != nil; {
		if time.Now().After(deadline) {
			t.Fatal("the fault did not end")
		}
	}
}

func TestATakenPortNamesItsOwner(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	env := map[string]string{"PORT": port}
	err = chassis.Run(t.Context(), chassis.Options{Name: "ad", Workload: "adservice", Getenv: func(k string) string { return env[k] }, Stdout: io.Discard}, serving(noAds))
	if err == nil || !strings.Contains(err.Error(), port) || !strings.Contains(err.Error(), "chassis.test (pid") {
		t.Errorf("error %v, want the port and who holds it", err)
	}
}

func TestBadConfigurationNamesTheVariableAndTheValue(t *testing.T) {
	for key, value := range map[string]string{"PORT": "many", "LOG_LEVEL": "loud", "DRAIN_TIMEOUT": "soon", "CALL_TIMEOUT": "long", "PASS_DEADLINE": "maybe", "AD_SERVICE_ADDR": "nowhere"} {
		env := map[string]string{key: value, "METRICS_PORT": "0"}
		err := chassis.Run(t.Context(), chassis.Options{Name: "ad", Workload: "adservice", Getenv: func(k string) string { return env[k] }, Stdout: io.Discard}, relay())
		if err == nil || !strings.Contains(err.Error(), value) && key != "PORT" {
			t.Errorf("%s=%s: %v, want an error that names it", key, value, err)
		}
	}
}
