package services_test

import (
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/services"
)

func TestEveryServiceReportsItsHealthUnderEveryName(t *testing.T) {
	s := openShop(t)
	for _, b := range services.All() {
		if len(b.GRPC) == 0 {
			continue
		}
		health := healthpb.NewHealthClient(s.running[b.Workload].Conn())
		for _, name := range append([]string{"", "liveness"}, b.GRPC...) {
			watch, err := health.Watch(t.Context(), &healthpb.HealthCheckRequest{Service: name})
			if err != nil {
				t.Fatal(err)
			}
			for serving := false; !serving; {
				got, err := watch.Recv()
				if err != nil {
					t.Fatalf("%s: watch %q: %v", b.Name, name, err)
				}
				serving = got.GetStatus() == healthpb.HealthCheckResponse_SERVING
			}
			if got, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{Service: name}); err != nil || got.GetStatus() != healthpb.HealthCheckResponse_SERVING {
				t.Errorf("%s: check %q: %v, %v", b.Name, name, got, err)
			}
		}
		if _, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "nobody"}); status.Code(err) != codes.NotFound {
			t.Errorf("%s: check of an unknown service: %v", b.Name, err)
		}
	}
}

func TestEveryServiceDescribesWhatItServes(t *testing.T) {
	s := openShop(t)
	for _, b := range services.All() {
		if len(b.GRPC) == 0 {
			continue
		}
		served := reflected(t, s.running[b.Workload].Conn())
		want := append([]string{"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}, b.GRPC...)
		slices.Sort(want)
		if !slices.Equal(served, want) {
			t.Errorf("%s serves %v, want %v", b.Name, served, want)
		}
	}
}

// reflected asks which services a server serves.
func reflected(t *testing.T, conn *grpc.ClientConn) []string {
	t.Helper()
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	slices.Sort(names)
	return names
}
