package trace_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/trace"
)

func TestTheSpanOfASidecarSaysWhatItDecided(t *testing.T) {
	s := trace.Span{Attributes: []trace.Attribute{
		{Key: "component", Value: "proxy"},
		{Key: "node_id", Value: "sidecar~a~b.c~d"},
		{Key: "response_flags", Value: "UT,URX"},
		{Key: "upstream_cluster.name", Value: "outbound|50051|v1|x"},
		{Key: "http.url", Value: "http://payment:50051/p.P/Charge"},
		{Key: "http.status_code", Value: "200"},
		{Key: "rpc.response.status_code", Value: "UNAVAILABLE"},
		{Key: "attempts", Value: "3"},
		{Key: "istio.config", Value: "/apis/x"},
		{Key: "guid:x-request-id", Value: "r1"},
	}}
	got := s.Sidecar()
	want := trace.Sidecar{
		Node: "sidecar~a~b.c~d", Flags: "UT,URX", Cluster: "outbound|50051|v1|x", Path: "/p.P/Charge", Status: "200", GRPC: "UNAVAILABLE",
		Attempts: 3, Config: "/apis/x", RequestID: "r1",
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	got = trace.Sidecar{}
	for _, a := range []trace.Attribute{{Key: "http.url", Value: "http://host"}, {Key: "attempts", Value: "many"}} {
		got.Describe(a.Key, a.Value)
	}
	if got.Path != "/" || got.Attempts != 0 {
		t.Errorf("%+v", got)
	}
}
