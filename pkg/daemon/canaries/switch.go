package canaries

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/delivery"
	"github.com/shopctl/shopctl/pkg/resource/store"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/shellword"
)

// SwitchService gives all calls of a Service to the pods with a label.
func (s *Server) SwitchService(ctx context.Context, req *controlpb.SwitchServiceRequest) (*controlpb.SwitchServiceResponse, error) {
	key, err := s.service(req.GetService())
	if err != nil {
		return nil, err
	}
	w := delivery.Switch{Service: s.names.Display(key.service), Host: key.service.Name, Label: req.GetLabel(), To: req.GetTo(), Back: req.GetBack()}
	if err := readSwitch(w); err != nil {
		return nil, err
	}
	done, err := s.switcher.Switch(ctx, key.service.Namespace, w)
	if err != nil {
		return nil, explainSwitch(err, w)
	}
	resp := &controlpb.SwitchServiceResponse{
		Service: w.Service, Object: done.Object.Namespace + "/" + done.Object.Name, From: done.From, To: done.To, Behind: done.Behind,
	}
	for _, c := range done.Checks {
		resp.Checks = append(resp.Checks, &controlpb.SwitchCheck{Pod: c.Pod, Workload: c.Workload, Asked: c.Asked, Took: durationpb.New(c.Took)})
	}
	return resp, nil
}

// readSwitch returns an error unless a switch says where to, by a label that pods can have.
func readSwitch(w delivery.Switch) error {
	invalid := func(format string, args ...any) error {
		return control.Error(codes.InvalidArgument, fmt.Sprintf(format, args...), "shopctl switch "+w.Service+" --to green", 2)
	}
	switch {
	case w.Back && (w.To != "" || w.Label != ""):
		return invalid("switch %s: the way back needs neither a label nor a value", w.Service)
	case w.Back:
		return nil
	case w.To == "":
		return invalid("switch %s: which pods are to get its calls?", w.Service)
	}
	if problems := validation.IsQualifiedName(w.Label); len(problems) > 0 {
		return invalid("read --label %q: %s", w.Label, strings.Join(problems, "; "))
	}
	if problems := validation.IsValidLabelValue(w.To); len(problems) > 0 {
		return invalid("read --to %q: %s", w.To, strings.Join(problems, "; "))
	}
	return nil
}

// explainSwitch adds what to do about an error of a switch.
func explainSwitch(err error, w delivery.Switch) error {
	var noPods *delivery.NoPodsError
	var notReady *delivery.NotReadyError
	var route *delivery.RouteError
	var missing *store.NotFoundError
	switch {
	case errors.As(err, &noPods):
		return control.Error(codes.NotFound, err.Error(), "shopctl get deployments -o yaml", 2)
	case errors.As(err, &notReady):
		return control.Error(codes.FailedPrecondition, err.Error(), "shopctl ps --instances "+shellword.Quote(notReady.Workload), 1)
	case errors.As(err, &route):
		return control.Error(codes.FailedPrecondition, err.Error(), "shopctl get virtualservice "+shellword.Quote(route.VirtualService)+" -o yaml", 1)
	case errors.As(err, &missing):
		return control.Error(codes.NotFound, err.Error(), "shopctl get services", 2)
	case errors.Is(err, delivery.ErrUnderWay):
		return control.Error(codes.FailedPrecondition, "switch "+err.Error(), "shopctl canary abort "+w.Service, 1)
	case errors.Is(err, delivery.ErrThere):
		return control.Error(codes.FailedPrecondition, err.Error(), "shopctl get service "+w.Host+" -o yaml", 1)
	case errors.Is(err, delivery.ErrNoWayBack):
		return control.Error(codes.FailedPrecondition, err.Error(), "shopctl switch "+w.Service+" --to v1", 1)
	}
	return control.WithHint(fmt.Errorf("switch %s: %w", w.Service, err), "shopctl describe service "+w.Host, 1)
}
