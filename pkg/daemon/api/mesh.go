package api

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Sidecar is what is known of the proxy of an instance.
type Sidecar struct {
	// Service is its name for people, Instance the instance's, Node the id by which the control plane knows it.
	Service, Instance, Node string
	// State is synced, stale, rejected or disconnected; Message is why it rejected what it was sent last.
	State, Message string
	// Version is in force since then, Wanted the newest.
	Version, Wanted string
	Since           time.Time
	// Identity is that of its certificate, Serial the number of it; zero times: it has none.
	Identity, Serial    string
	NotBefore, NotAfter time.Time
}

// Mesh knows the sidecars of a shop.
type Mesh interface {
	// Mode is auto, on or off.
	Mode() string
	// Sidecars are in the order of their services and instances.
	Sidecars() []Sidecar
}

// meshServer serves what the sidecars hold.
type meshServer struct {
	controlpb.UnimplementedMeshServer
	// mesh is nil in a shop that can have no sidecars.
	mesh  Mesh
	names *names.Directory
}

func (s *meshServer) sidecars() []Sidecar {
	if s.mesh == nil {
		return nil
	}
	return s.mesh.Sidecars()
}

// MeshStatus returns the sidecars.
func (s *meshServer) MeshStatus(context.Context, *controlpb.MeshStatusRequest) (*controlpb.MeshStatusResponse, error) {
	resp := &controlpb.MeshStatusResponse{Mode: "off"}
	if s.mesh != nil {
		resp.Mode = s.mesh.Mode()
	}
	for _, c := range s.sidecars() {
		resp.Sidecars = append(resp.Sidecars, protoSidecar(c))
	}
	return resp, nil
}

// find is the first sidecar of a service or an instance.
func (s *meshServer) find(name string) (Sidecar, error) {
	key, ref, err := s.names.Resolve(name)
	if err != nil {
		return Sidecar{}, s.names.Unknown(name)
	}
	service := s.names.Display(key)
	for _, c := range s.sidecars() {
		if c.Instance == ref.Name || c.Service == service && ref.Kind == "" {
			return c, nil
		}
	}
	return Sidecar{}, control.Error(codes.FailedPrecondition, fmt.Sprintf("%s has no sidecar", service), "shopctl mesh on "+service, 1)
}

// GetSidecar returns what a sidecar holds.
func (s *meshServer) GetSidecar(_ context.Context, req *controlpb.GetSidecarRequest) (*controlpb.GetSidecarResponse, error) {
	c, err := s.find(req.GetService())
	if err != nil {
		return nil, err
	}
	return &controlpb.GetSidecarResponse{Sidecar: protoSidecar(c)}, nil
}

func protoSidecar(c Sidecar) *controlpb.Sidecar {
	out := &controlpb.Sidecar{
		Service: c.Service, Instance: c.Instance, Node: c.Node, State: c.State, Message: c.Message, Version: c.Version, Wanted: c.Wanted,
		Identity: c.Identity, Serial: c.Serial,
	}
	for at, to := range map[*time.Time]**timestamppb.Timestamp{&c.Since: &out.Since, &c.NotBefore: &out.NotBefore, &c.NotAfter: &out.NotAfter} {
		if !at.IsZero() {
			*to = timestamppb.New(*at)
		}
	}
	return out
}
