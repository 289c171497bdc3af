// Package canaries serves the canaries of a shop, and switches between its releases, to the control API.
package canaries

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/delivery"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource/store"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
	"github.com/shopctl/shopctl/pkg/shellword"
)

// Server serves the API's Delivery.
type Server struct {
	controlpb.UnimplementedDeliveryServer
	runner   *delivery.Runner
	switcher *delivery.Switcher
	names    *names.Directory
}

// NewServer returns a server. Without sidecars there are no canaries: the runner of such a shop is nil.
func NewServer(runner *delivery.Runner, switcher *delivery.Switcher, directory *names.Directory) *Server {
	return &Server{runner: runner, switcher: switcher, names: directory}
}

// StartCanary begins a canary.
func (s *Server) StartCanary(ctx context.Context, req *controlpb.StartCanaryRequest) (*controlpb.Canary, error) {
	if s.runner == nil {
		return nil, control.Error(codes.FailedPrecondition, "start a canary: the shop has no sidecars (--mesh=off or --driver docker)", "shopctl down && shopctl up --mesh=on", 1)
	}
	key, err := s.service(req.GetService())
	if err != nil {
		return nil, err
	}
	plan, err := planOf(req)
	if err != nil {
		return nil, err
	}
	plan.Service, plan.Host = s.names.Display(key.workload), key.service.Name
	state, err := s.runner.Start(ctx, key.service.Namespace, plan)
	if err != nil {
		return nil, explain(err, plan)
	}
	return s.proto(state), nil
}

// planOf reads the plan of a request.
func planOf(req *controlpb.StartCanaryRequest) (plan delivery.Plan, err error) {
	invalid := func(err error, hint string) (delivery.Plan, error) {
		return plan, control.Error(codes.InvalidArgument, err.Error(), hint, 2)
	}
	plan = delivery.Plan{From: req.GetFrom(), To: req.GetTo(), Image: req.GetImage(), Hold: delivery.DefaultHold, Deadline: delivery.DefaultDeadline}
	for _, step := range req.GetSteps() {
		plan.Steps = append(plan.Steps, int(step))
	}
	if len(plan.Steps) == 0 {
		plan.Steps = delivery.DefaultSteps()
	}
	if err := delivery.CheckSteps(plan.Steps); err != nil {
		return invalid(err, "--steps 5,25,50,100")
	}
	text := req.GetCheck()
	if strings.TrimSpace(text) == "" {
		text = delivery.DefaultCheck
	}
	check, err := delivery.ParseCheck(text)
	if err != nil {
		return invalid(err, "--check '"+delivery.DefaultCheck+"'")
	}
	plan.Check = check.String()
	if plan.To == "" {
		return invalid(errors.New("start a canary: the new release is missing"), "--to v2")
	}
	if d := req.GetHold(); d != nil {
		plan.Hold = d.AsDuration()
	}
	if d := req.GetDeadline(); d != nil {
		plan.Deadline = d.AsDuration()
	}
	if plan.Hold < 0 || plan.Deadline <= plan.Hold {
		return invalid(fmt.Errorf("start a canary: a step is held for %s and has to be decided within %s: want more time", plan.Hold, plan.Deadline), "--hold 10s --deadline 10m")
	}
	return plan, nil
}

// explain adds what to do about an error of a start.
func explain(err error, plan delivery.Plan) error {
	var unknown *delivery.UnknownReleaseError
	var ambiguous *delivery.AmbiguousError
	var missing *store.NotFoundError
	command := "shopctl canary " + plan.Service + " --to " + shellword.Quote(plan.To)
	switch {
	case errors.As(err, &unknown) && unknown.Version == plan.To && unknown.Image != "":
		image, _, _ := strings.Cut(unknown.Image, "@")
		if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
			image = image[:i]
		}
		return control.Error(codes.NotFound, err.Error(), command+" --image "+shellword.Quote(image+":"+plan.To), 2)
	case errors.As(err, &unknown):
		return control.Error(codes.NotFound, err.Error(), "shopctl get deployments -o yaml", 2)
	case errors.As(err, &ambiguous):
		others := slices.DeleteFunc(slices.Clone(ambiguous.Known), func(v string) bool { return v == plan.To })
		return control.Error(codes.InvalidArgument, err.Error(), command+" --from "+shellword.Quote(others[0]), 2)
	case errors.Is(err, delivery.ErrUnderWay):
		return control.Error(codes.AlreadyExists, err.Error(), "shopctl canary status "+plan.Service, 1)
	case errors.As(err, &missing):
		return control.Error(codes.NotFound, err.Error(), "shopctl get services", 2)
	case errors.Is(err, delivery.ErrNoGateway):
		return control.Error(codes.FailedPrecondition, "start a canary of "+err.Error(), "shopctl get virtualservices -o yaml", 1)
	case errors.Is(err, delivery.ErrPinned):
		return control.Error(codes.FailedPrecondition, "start a canary of "+err.Error(), "shopctl edit service "+plan.Host, 1)
	}
	return control.WithHint(fmt.Errorf("start a canary of %s: %w", plan.Service, err), "shopctl mesh describe "+plan.Service, 1)
}

// ListCanaries lists the canaries.
func (s *Server) ListCanaries(_ context.Context, req *controlpb.ListCanariesRequest) (*controlpb.ListCanariesResponse, error) {
	var only *found
	if req.GetService() != "" {
		key, err := s.service(req.GetService())
		if err != nil {
			return nil, err
		}
		only = &key
	}
	resp := &controlpb.ListCanariesResponse{}
	if s.runner == nil {
		return resp, nil
	}
	for _, state := range s.runner.List() {
		if only == nil || only.service == (orchestrator.Key{Namespace: state.Key.Namespace, Name: state.Host}) {
			resp.Canaries = append(resp.Canaries, s.proto(state))
		}
	}
	return resp, nil
}

// SteerCanary pauses, resumes, promotes or aborts a canary.
func (s *Server) SteerCanary(ctx context.Context, req *controlpb.SteerCanaryRequest) (*controlpb.Canary, error) {
	key, err := s.service(req.GetService())
	if err != nil {
		return nil, err
	}
	verb := delivery.Canary.Pause
	switch req.GetAction() {
	case controlpb.SteerCanaryRequest_ACTION_PAUSE:
	case controlpb.SteerCanaryRequest_ACTION_RESUME:
		verb = delivery.Canary.Resume
	case controlpb.SteerCanaryRequest_ACTION_PROMOTE:
		verb = delivery.Canary.Promote
	case controlpb.SteerCanaryRequest_ACTION_ABORT:
		verb = delivery.Canary.Abort
	default:
		return nil, control.Error(codes.InvalidArgument, fmt.Sprintf("steer a canary: unknown action %s", req.GetAction()), "shopctl canary --help", 2)
	}
	display, state, err := s.names.Display(key.workload), delivery.State{}, delivery.ErrNone
	if s.runner != nil {
		state, err = s.runner.Steer(ctx, key.service.Namespace, key.service.Name, verb)
	}
	switch {
	case errors.Is(err, delivery.ErrNone):
		return nil, control.Error(codes.NotFound, display+" has no canary", "shopctl canary "+display+" --to v2", 2)
	case err != nil:
		return nil, control.WithHint(err, "shopctl canary status "+display, 1)
	}
	return s.proto(state), nil
}

// found is a Service, and a workload behind it.
type found struct{ service, workload orchestrator.Key }

// service finds the Service that a word means.
func (s *Server) service(word string) (found, error) {
	key, ref, err := s.names.Resolve(word)
	if err != nil {
		return found{}, s.names.Unknown(word)
	}
	if ref.Kind == servicename.Pod {
		return found{}, control.Error(codes.InvalidArgument, fmt.Sprintf("%q is one instance of %s; a canary is one of the whole service", word, key.Name), "shopctl canary "+s.names.Display(key)+" --to v2", 2)
	}
	for _, w := range s.names.Snapshot().Workloads {
		if w.Key == key && w.Service != "" {
			return found{orchestrator.Key{Namespace: key.Namespace, Name: w.Service}, key}, nil
		}
	}
	return found{key, key}, nil // a Service of the same name, as a rule; else it is missed later
}

func (s *Server) proto(state delivery.State) *controlpb.Canary {
	out := &controlpb.Canary{
		Service: state.Service, VirtualService: state.Key.Namespace + "/" + state.Key.Name, From: state.From, To: state.To, Check: state.Check,
		Phase: string(state.Phase), Reason: state.Reason, Step: int32(state.Step), Weight: int32(state.Weight()), Since: timestamppb.New(state.Since),
		Findings: protoFindings(state.Findings),
	}
	for _, step := range state.Steps {
		out.Steps = append(out.Steps, int32(step))
	}
	for _, p := range state.Passed {
		out.Passed = append(out.Passed, &controlpb.CanaryStep{Weight: int32(p.Weight), Took: durationpb.New(p.Took), Findings: protoFindings(p.Findings)})
	}
	return out
}

func protoFindings(findings []delivery.Finding) (out []*controlpb.CanaryFinding) {
	for _, f := range findings {
		out = append(out, &controlpb.CanaryFinding{Criterion: f.Criterion, Old: protoCounts(f.Old), New: protoCounts(f.New), Verdict: f.Verdict, Because: f.Because})
	}
	return out
}

func protoCounts(c delivery.Counts) *controlpb.ReleaseCalls {
	out := &controlpb.ReleaseCalls{Calls: int64(c.Calls), Bad: int64(c.Bad)}
	if c.Quantile > 0 {
		out.Quantile = durationpb.New(c.Quantile)
	}
	return out
}
