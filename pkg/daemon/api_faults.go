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
	f, err := a.faults.Inject(specOf(req))
	if err != nil {
		return nil, explainFault(err)
	}
	a.control.Sync()
	return &controlpb.InjectFaultResponse{Fault: protoFault(f, a.now())}, nil
}

func (a *api) ListFaults(context.Context, *controlpb.ListFaultsRequest) (*controlpb.ListFaultsResponse, error) {
	return &controlpb.ListFaultsResponse{Faults: protoFaults(a.faults.List(), a.now())}, nil
}

func (a *api) ClearFaults(_ context.Context, req *controlpb.ClearFaultsRequest) (*controlpb.ClearFaultsResponse, error) {
	cleared, err := a.faults.Clear(fault.Selection{Services: req.GetServices(), IDs: req.GetIds(), Owner: req.GetOwner()})
	if err != nil {
		return nil, explainFault(err)
	}
	a.control.Sync()
	return &controlpb.ClearFaultsResponse{Faults: protoFaults(cleared, a.now())}, nil
}

func explainFault(err error) error {
	var invalid *fault.Invalid
	if errors.As(err, &invalid) {
		return control.Error(codes.InvalidArgument, invalid.Text, invalid.Hint, 2)
	}
	return control.WithHint(status.Error(codes.FailedPrecondition, err.Error()), "shopctl ps", 1)
}
