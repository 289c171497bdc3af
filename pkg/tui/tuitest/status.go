package tuitest

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Noon is the time at which all screens are drawn.
func Noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

// Status is a shop of eleven services and a store, all healthy.
func Status() *controlpb.StatusResponse {
	st := &controlpb.StatusResponse{Name: "default", Url: "http://127.0.0.1:8080", Namespace: "production", Ready: true}
	for i, name := range []string{"ad", "cart", "catalog", "checkout", "currency", "email", "frontend", "loadgenerator", "payment", "recommendation", "shipping", "redis-cart"} {
		s := &controlpb.Service{
			Name: name, Workload: name + "service", Namespace: "production", State: "ok", Version: "v1", Replicas: 1, Ready: 1, Role: "service",
			Address: "127.0.0.1:4100" + string(rune('0'+i%10)), Protocol: "grpc", Image: "shopctl/" + name + ":v1",
			Stats: &controlpb.Stats{
				RequestsPerSecond: float64(i) * 2.5, Requests: int64(i * 25), P50Ms: 0.4 * float64(i), P95Ms: 3.1 * float64(i), P99Ms: 9.7 * float64(i),
				P95History: history(i), RpsHistory: history(i + 1), WindowMs: 10000,
			},
			Instances: []*controlpb.Instance{{
				Name: name + "-5d8f-1", Version: "v1", State: "ready", Pid: int32(4000 + i), Address: "127.0.0.1:5100" + string(rune('0'+i%10)),
				Started: timestamppb.New(Noon().Add(-time.Duration(i+1) * time.Minute)), MemoryBytes: int64(8_000_000 + i*100_000),
			}},
		}
		switch name {
		case "redis-cart":
			s.Role, s.Protocol, s.Stats = "store", "tcp", &controlpb.Stats{}
		case "checkout":
			s.DependsOn = []string{"paymentservice", "cartservice"}
		case "frontend":
			s.DependsOn, s.Protocol = []string{"checkoutservice", "cartservice"}, "http"
		}
		st.Services = append(st.Services, s)
	}
	return st
}

func history(seed int) []float64 {
	var h []float64
	for i := range 40 {
		h = append(h, float64((i*i+seed*7)%(10+seed*8)))
	}
	return h
}

// BrokenStatus is the shop with a fault in payment, a catalog that is updating and a crashing ad service.
func BrokenStatus() *controlpb.StatusResponse {
	st := Status()
	for _, s := range st.Services {
		switch s.Name {
		case "payment":
			s.Faults = []string{"UNAVAILABLE 50% Charge, 1m59s left"}
			s.Stats.ErrorRatio = 0.5
		case "checkout":
			s.Stats.ErrorRatio, s.Stats.P95Ms = 0.48, 2900
		case "catalog":
			s.State, s.Ready, s.Replicas, s.Message = "updating", 2, 3, "1 of 3 replicas is not ready"
		case "ad":
			s.State, s.Ready, s.Restarts, s.Message = "crashloop", 0, 5, "exit code 1 five times in a minute"
			s.Instances[0].State, s.Instances[0].Message = "crashloop", "panic: no ads"
		}
	}
	st.Faults = []*controlpb.Fault{{Id: "f1", Service: "payment", Method: "Charge", Error: "UNAVAILABLE", Percent: 50, Phrase: "UNAVAILABLE 50% Charge, 1m59s left", Owner: "cli"}}
	return st
}
