package chassis_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func TestHealthDependsOnTheServicesOwnStoreOnly(t *testing.T) {
	var broken atomic.Bool
	s := chassistest.Start(t, func(_ context.Context, rt *chassis.Runtime) error {
		if _, err := rt.Dial("NEIGHBOUR_ADDR"); err != nil {
			return err
		}
		rt.Ready("store", func(context.Context) error {
			if broken.Load() {
				return errors.New("gone")
			}
			return nil
		})
		pb.RegisterAdServiceServer(rt.Server(), ads{get: noAds})
		return nil
	}, map[string]string{"NEIGHBOUR_ADDR": "127.0.0.1:1"})
	client := healthpb.NewHealthClient(s.Conn())
	stream, err := client.Watch(t.Context(), &healthpb.HealthCheckRequest{Service: "hipstershop.AdService"})
	if err != nil {
		t.Fatal(err)
	}
	await := awaiting(t, stream)
	await(healthpb.HealthCheckResponse_SERVING)
	broken.Store(true)
	await(healthpb.HealthCheckResponse_NOT_SERVING)
	for service, want := range map[string]healthpb.HealthCheckResponse_ServingStatus{
		"": healthpb.HealthCheckResponse_NOT_SERVING, "liveness": healthpb.HealthCheckResponse_SERVING,
	} {
		m, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || m.Status != want {
			t.Errorf("Check(%q) = %v, %v, want %v", service, m.GetStatus(), err, want)
		}
	}
	if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "unknown"}); status.Code(err) != codes.NotFound {
		t.Errorf("Check(unknown): %v, want NOT_FOUND", err)
	}
	broken.Store(false)
	await(healthpb.HealthCheckResponse_SERVING)
}

func TestDrainFinishesCallsInFlightAndEndsWatches(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := chassistest.Start(t, serving(func(context.Context, *pb.AdRequest) (*pb.AdResponse, error) {
		close(entered)
		<-release
		return &pb.AdResponse{}, nil
	}), nil)
	watch, err := healthpb.NewHealthClient(s.Conn()).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() { result <- get(t, t.Context(), s) }()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	for {
		m, err := watch.Recv()
		if err != nil {
			t.Fatalf("the watch ended before it said NOT_SERVING: %v", err)
		}
		if m.Status == healthpb.HealthCheckResponse_NOT_SERVING {
			break
		}
	}
	close(release)
	if err := <-result; err != nil {
		t.Errorf("the call in flight failed: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Run: %v, want nil", err)
	}
}

func TestAServiceLeavesAtOnceWhenItsDaemonIsGone(t *testing.T) {
	entered := make(chan struct{})
	s := chassistest.Start(t, serving(func(ctx context.Context, _ *pb.AdRequest) (*pb.AdResponse, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	}), nil)
	go func() { _ = get(t, context.Background(), s) }()
	<-entered
	if err := s.Kill(); !errors.Is(err, chassis.ErrLifeline) {
		t.Errorf("Run: %v, want ErrLifeline", err)
	}
}

// awaiting returns what waits until a watched health is as wanted.
func awaiting(t *testing.T, watch grpc.ServerStreamingClient[healthpb.HealthCheckResponse]) func(want healthpb.HealthCheckResponse_ServingStatus) {
	return func(want healthpb.HealthCheckResponse_ServingStatus) {
		t.Helper()
		for {
			m, err := watch.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if m.Status == want {
				return
			}
		}
	}
}
