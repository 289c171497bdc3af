package lessontest

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// AddSidecar gives the shop a sidecar that holds something. The catalog's restart counts are set by SetSidecarRestarts.
func (s *Shop) AddSidecar(held *controlpb.GetSidecarResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observed.sidecars = append(s.observed.sidecars, held)
}

// SetSidecarRestarts sets how often the catalog's sidecar, which is ready, was restarted.
func (s *Shop) SetSidecarRestarts(n int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observed.restarts = &n
}

// instances are those of the catalog. Their sidecars count only once their restarts are set.
func (s *Shop) instances() []*controlpb.Instance {
	if s.observed.restarts == nil {
		return nil
	}
	return []*controlpb.Instance{{Name: "catalog-1", Containers: []*controlpb.Container{
		{Name: "istio-proxy", Kind: "sidecar", Ready: true, Restarts: *s.observed.restarts}, {Name: "server", Ready: true, Restarts: 9},
	}}}
}

// MeshStatus implements probe.Sidecars.
func (s *Shop) MeshStatus(context.Context, *controlpb.MeshStatusRequest, ...grpc.CallOption) (*controlpb.MeshStatusResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	resp := &controlpb.MeshStatusResponse{Mode: "auto"}
	for _, held := range s.observed.sidecars {
		resp.Sidecars = append(resp.Sidecars, held.GetSidecar())
	}
	return resp, nil
}

// GetSidecar implements probe.Sidecars, for the names of instances.
func (s *Shop) GetSidecar(_ context.Context, r *controlpb.GetSidecarRequest, _ ...grpc.CallOption) (*controlpb.GetSidecarResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, held := range s.observed.sidecars {
		if held.GetSidecar().GetInstance() == r.GetService() {
			return held, nil
		}
	}
	return nil, status.Errorf(codes.NotFound, "no sidecar of %s", r.GetService())
}
