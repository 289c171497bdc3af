package daemon

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/fault"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func (a *api) InjectFault(_ context.Context, req *controlpb.InjectFaultRequest) (*controlpb.InjectFaultResponse, error) {
	f, err := a.faults.Inject(fault.FromProto(req))
	if err != nil {
		return nil, explainFault(err)
	}
	a.control.Sync()
	return &controlpb.InjectFaultResponse{Fault: f.Proto(a.now())}, nil
}

func (a *api) ListFaults(context.Context, *controlpb.ListFaultsRequest) (*controlpb.ListFaultsResponse, error) {
	return &controlpb.ListFaultsResponse{Faults: a.protoFaults(a.faults.List())}, nil
}

func (a *api) ClearFaults(_ context.Context, req *controlpb.ClearFaultsRequest) (*controlpb.ClearFaultsResponse, error) {
	cleared, err := a.faults.Clear(fault.Selection{Services: req.GetServices(), IDs: req.GetIds(), Owner: req.GetOwner()})
	if err != nil {
		return nil, explainFault(err)
	}
	a.control.Sync()
	return &controlpb.ClearFaultsResponse{Faults: a.protoFaults(cleared)}, nil
}

func (s *shop) protoFaults(faults []fault.Fault) []*controlpb.Fault {
	out := make([]*controlpb.Fault, len(faults))
	for i, f := range faults {
		out[i] = f.Proto(s.now())
	}
	return out
}

func explainFault(err error) error {
	var invalid *fault.Invalid
	if errors.As(err, &invalid) {
		return control.Error(codes.InvalidArgument, invalid.Text, invalid.Hint, 2)
	}
	return control.WithHint(status.Error(codes.FailedPrecondition, err.Error()), "shopctl ps", 1)
}
