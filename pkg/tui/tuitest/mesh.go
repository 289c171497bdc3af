package tuitest

import (
	"context"

	"google.golang.org/grpc"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Meshed adds a sidecar to each instance.
func Meshed(st *controlpb.StatusResponse) *controlpb.StatusResponse {
	for _, s := range st.GetServices() {
		for _, in := range s.GetInstances() {
			in.Containers = []*controlpb.Container{
				{Name: "istio-proxy", Kind: "sidecar", State: "running", Ready: true}, {Name: "server", Kind: "app", State: "running", Ready: true},
			}
		}
	}
	return st
}

// MeshedMap is the map of calls, with what sidecars know of two edges.
func MeshedMap() *controlpb.GetMapResponse {
	m := CallMap()
	for _, e := range m.GetEdges() {
		switch e.GetCallee() {
		case "payment":
			e.Mesh = &controlpb.EdgeMesh{
				MutualTls: 27, Versions: []*controlpb.EdgeCount{{Name: "v1", Requests: 24}, {Name: "v2", Requests: 3}}, Retries: 4,
				Flags: []*controlpb.EdgeCount{{Name: "UH", Requests: 5}}, Ejected: []string{"payment-5d8f-2"},
			}
		case "cart":
			e.Mesh = &controlpb.EdgeMesh{MutualTls: 60, Versions: []*controlpb.EdgeCount{{Name: "v1", Requests: 60}}}
		}
	}
	return m
}

// GetSidecar implements feed.Mesh.
func (s *Shop) GetSidecar(_ context.Context, r *controlpb.GetSidecarRequest, _ ...grpc.CallOption) (*controlpb.GetSidecarResponse, error) {
	s.note("sidecar " + r.GetService())
	return &controlpb.GetSidecarResponse{Sidecar: &controlpb.Sidecar{Service: r.GetService(), State: "synced"}}, s.Failure
}
