package api

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// faultsServer serves what is broken on purpose.
type faultsServer struct {
	faults *fault.Registry
	shop   orchestrator.Syncer
	now    func() time.Time
}

// InjectFault begins a fault.
func (s *faultsServer) InjectFault(ctx context.Context, req *controlpb.InjectFaultRequest) (*controlpb.InjectFaultResponse, error) {
	spec := specOf(req)
	if session, ok := sessionOf(ctx); ok {
		spec.Owner = session.owner
		if spec.Director != "" {
			return nil, refused("direct calls: a lesson by another author only injects faults that are listed")
		}
		for _, name := range []string{spec.Service, spec.From} {
			if namespace, _, other := strings.Cut(name, "/"); other {
				return nil, refused("inject a fault in namespace " + namespace + ": a lesson by another author stays in the shop's namespace")
			}
		}
	}
	f, err := s.faults.Inject(spec)
	if err != nil {
		return nil, explainFault(err)
	}
	s.shop.Sync()
	return &controlpb.InjectFaultResponse{Fault: protoFault(f, s.now())}, nil
}

// ListFaults returns the active faults.
func (s *faultsServer) ListFaults(context.Context, *controlpb.ListFaultsRequest) (*controlpb.ListFaultsResponse, error) {
	return &controlpb.ListFaultsResponse{Faults: protoFaults(s.faults.List(), s.now())}, nil
}

// ClearFaults ends faults and returns them. A session ends only its own: those of the user could not be restored.
func (s *faultsServer) ClearFaults(ctx context.Context, req *controlpb.ClearFaultsRequest) (*controlpb.ClearFaultsResponse, error) {
	owner := req.GetOwner()
	if session, ok := sessionOf(ctx); ok {
		owner = session.owner
	}
	cleared, err := s.faults.Clear(fault.Selection{Services: req.GetServices(), IDs: req.GetIds(), Owner: owner})
	if err != nil {
		return nil, explainFault(err)
	}
	s.shop.Sync()
	return &controlpb.ClearFaultsResponse{Faults: protoFaults(cleared, s.now())}, nil
}

func explainFault(err error) error {
	var invalid *fault.Invalid
	if errors.As(err, &invalid) {
		return control.Error(codes.InvalidArgument, invalid.Text, invalid.Hint, 2)
	}
	return control.WithHint(status.Error(codes.FailedPrecondition, err.Error()), "shopctl ps", 1)
}
