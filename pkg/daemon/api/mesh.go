package api

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/mesh/explain"
	"github.com/shopctl/shopctl/pkg/mesh/show"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

// Certificate is one that a sidecar holds. Zero times: it has none.
type Certificate struct {
	// Identity is the one that it is for, Serial its number in hexadecimal digits.
	Identity, Serial    string
	NotBefore, NotAfter time.Time
}

// Sidecar is what is known of the proxy of an instance.
type Sidecar struct {
	// Workload is whose instance it is, Instance the instance's name, Node the id by which the control plane knows it.
	Workload       orchestrator.Key
	Instance, Node string
	// State is synced, stale, rejected or disconnected; Message is why it rejected what it was sent last.
	State, Message string
	// Version is in force since then, Wanted the newest.
	Version, Wanted string
	Since           time.Time
	Certificate     Certificate
}

// Held is what a sidecar holds.
type Held struct {
	Resources *xds.Resources
	Live      show.Live
	// Root is the certificate of the authority that it trusts.
	Root Certificate
}

// Mesh knows the sidecars of a shop.
type Mesh interface {
	// Mode is auto, on or off.
	Mode() string
	// Sidecars are in the order of their workloads and instances.
	Sidecars() []Sidecar
	// InForce waits until the sidecars have the objects that there are now in force, and returns how many have, and those that
	// have not when ctx ends or which have refused them.
	InForce(ctx context.Context) (sidecars int, behind []Sidecar)
	// Ejected are the endpoints that the sidecar with a node id does not call for now: by cluster, then by address.
	Ejected(node string) map[string]map[string]show.Ejection
	// Held is what the sidecar with a node id holds; false if there is none.
	Held(node string) (Held, bool)
	// Overlays are the objects of Istio that hold with faults in them.
	Overlays() []resource.Object
}

// modeOf is the mode of a mesh that may be nil.
func modeOf(m Mesh) string {
	if m == nil {
		return "off"
	}
	return m.Mode()
}

// meshServer serves what the sidecars hold.
type meshServer struct {
	controlpb.UnimplementedMeshServer
	// mesh is nil in a shop that can have no sidecars.
	mesh     Mesh
	names    *names.Directory
	requests *observe.Requests
	traces   *tracesServer
	objects  orchestrator.ObjectReader
	leaving  <-chan struct{}
	// vector evaluates an expression, after refresh of metrics that are read now.
	vector  func(ctx context.Context, expr string, at time.Time) (promql.Vector, error)
	refresh func(ctx context.Context)
	now     func() time.Time
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
		resp.Sidecars = append(resp.Sidecars, s.protoSidecar(c))
	}
	return resp, nil
}

// awaitTimeout is for how long AwaitMesh waits by default.
const awaitTimeout = time.Minute

// AwaitMesh waits until every sidecar has the objects in force.
func (s *meshServer) AwaitMesh(ctx context.Context, req *controlpb.AwaitMeshRequest) (*controlpb.AwaitMeshResponse, error) {
	resp := &controlpb.AwaitMeshResponse{}
	if s.mesh == nil {
		return resp, nil
	}
	limit := awaitTimeout
	if req.GetTimeout() != nil {
		limit = req.GetTimeout().AsDuration()
	}
	limited, stop := context.WithTimeout(ctx, limit)
	defer stop()
	sidecars, behind := s.mesh.InForce(limited)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	resp.Sidecars = int32(sidecars)
	for _, c := range behind {
		resp.Behind = append(resp.Behind, s.protoSidecar(c))
	}
	return resp, nil
}

// find is the sidecar of an instance, or the first one of a service.
func (s *meshServer) find(name string) (Sidecar, error) {
	all := s.sidecars()
	ref := servicename.Parse(name)
	for _, c := range all {
		if c.Instance == ref.Name {
			return c, nil
		}
	}
	key, _, err := s.names.Resolve(name)
	if err != nil {
		return Sidecar{}, s.names.Unknown(name)
	}
	for _, c := range all {
		if c.Workload == key {
			return c, nil
		}
	}
	service, hint := s.names.Display(key), "shopctl mesh on"
	if s.mesh == nil {
		hint = "shopctl down && shopctl up --mesh=on"
	} else if len(all) > 0 { // others have one
		hint += " " + service + " --wait"
	}
	return Sidecar{}, control.Error(codes.FailedPrecondition, service+" has no sidecar", hint, 1)
}

// breakers are what a sidecar measures of its circuit breakers.
const breakers = `{__name__=~"envoy_cluster_(circuit_breakers_default_remaining_.*|upstream_.*_overflow)", namespace=%q, pod=%q}`

// measured is what a sidecar measures of its circuit breakers: by cluster, then by name.
func (s *meshServer) measured(ctx context.Context, c Sidecar) (map[string]map[string]float64, error) {
	samples, err := s.vector(ctx, fmt.Sprintf(breakers, c.Workload.Namespace, c.Instance), s.now())
	if err != nil {
		return nil, fmt.Errorf("read circuit breakers of %s: %w", c.Instance, err)
	}
	all := map[string]map[string]float64{}
	for _, sample := range samples {
		name := sample.Metric.Get("cluster_name")
		if all[name] == nil {
			all[name] = map[string]float64{}
		}
		all[name][sample.Metric.Get(model.MetricNameLabel)] = sample.F
	}
	return all, nil
}

// GetSidecar returns what a sidecar holds.
func (s *meshServer) GetSidecar(ctx context.Context, req *controlpb.GetSidecarRequest) (*controlpb.GetSidecarResponse, error) {
	c, err := s.find(req.GetService())
	if err != nil {
		return nil, err
	}
	held, ok := s.mesh.Held(c.Node)
	if !ok || held.Resources == nil {
		return nil, control.Error(codes.FailedPrecondition, fmt.Sprintf("the sidecar of %s holds nothing yet", c.Instance), "shopctl mesh status", 1)
	}
	if !req.GetRowsOnly() {
		s.refresh(ctx)
	}
	if held.Live.Measured, err = s.measured(ctx, c); err != nil {
		return nil, err
	}
	resp, err := protoHeld(held, !req.GetRowsOnly(), explain.Shop{Objects: s.objects.Snapshot()}.Position)
	if err != nil {
		return nil, fmt.Errorf("show the sidecar of %s: %w", c.Instance, err)
	}
	resp.Sidecar = s.protoSidecar(c)
	resp.Secrets = []*controlpb.MeshSecret{s.protoSecret("default", "Cert Chain", c.Certificate), s.protoSecret("ROOTCA", "CA", held.Root)}
	return resp, nil
}
