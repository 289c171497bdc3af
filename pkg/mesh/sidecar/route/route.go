package route

import (
	"errors"
	"fmt"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// Route is what happens with the requests that fit it. It is not changed. Exactly one of Redirect, Direct and clusters
// is there.
type Route struct {
	Name, VirtualHost string
	// Operation names the calls for spans: "payment.shop.svc.cluster.local:50051/*".
	Operation string
	// Metadata is the resource's: see Origin.
	Metadata *corev3.Metadata

	Redirect *Redirect
	Direct   *Direct
	// Timeout is that of the route; 0: none. A request's own is found with Timeouts.
	Timeout time.Duration
	// Retry is nil where nothing is tried again.
	Retry   *RetryPolicy
	Mirrors []Mirror
	// Fault is injected before the request is routed; nil: none.
	Fault *Fault
	CORS  *CORS
	// AttemptCount: the callee receives in x-envoy-attempt-count which attempt a request is.
	AttemptCount bool

	match       condition
	grpcTimeout *time.Duration // the longest of gRPC's own; 0: any
	stream      *streamLimit
	rewrite     rewrite
	operations  Operations
	targets     []Target
	weights     uint64
	hash        []hashPolicy
}

// Origin returns what the control plane says of where the route was made of: "config" the path of an object, "rule" and
// "match" parts of it; "" where it does not say.
func (r *Route) Origin(key string) string {
	return r.Metadata.GetFilterMetadata()["istio"].GetFields()[key].GetStringValue()
}

// Target is a cluster that a route sends requests to.
type Target struct {
	Cluster string
	// Weight is its share of all weights of the route.
	Weight     uint32
	authority  string // "": as the route says
	operations Operations
}

// Targets are the clusters of a route, for views.
func (r *Route) Targets() []Target { return r.targets }

// Random returns a number below n.
type Random func(n uint64) uint64

// Pick chooses the cluster of one request: each by its weight, independently of others. A retry stays with it. Nil for
// routes that redirect or answer.
func (r *Route) Pick(random Random) *Target {
	switch {
	case len(r.targets) == 0:
		return nil
	case len(r.targets) == 1:
		return &r.targets[0]
	}
	n := random(r.weights)
	for i := range r.targets {
		weight := uint64(r.targets[i].Weight)
		if n < weight {
			return &r.targets[i]
		}
		n -= weight
	}
	return &r.targets[len(r.targets)-1]
}

func compileRoute(config *routev3.RouteConfiguration, vh *routev3.VirtualHost, in *routev3.Route) (*Route, error) {
	r := &Route{
		Name: in.GetName(), VirtualHost: vh.GetName(), Operation: in.GetDecorator().GetOperation(), Metadata: in.GetMetadata(),
		AttemptCount: vh.GetIncludeRequestAttemptCount(),
	}
	var err error
	if r.match, err = compileCondition(in.GetMatch()); err != nil {
		return nil, err
	}
	if r.operations, err = operationsOf(in, vh, config); err != nil {
		return nil, err
	}
	if err = r.compileFilters(in); err != nil {
		return nil, err
	}
	switch action := in.GetAction().(type) {
	case *routev3.Route_Route:
		err = r.compileAction(action.Route)
	case *routev3.Route_Redirect:
		r.Redirect, err = compileRedirect(action.Redirect, &r.match)
	case *routev3.Route_DirectResponse:
		r.Direct, err = compileDirect(action.DirectResponse)
	default:
		err = fmt.Errorf("an action %T is not supported", action)
	}
	return r, err
}

func (r *Route) compileAction(a *routev3.RouteAction) error {
	switch c := a.GetClusterSpecifier().(type) {
	case *routev3.RouteAction_Cluster:
		r.targets = []Target{{Cluster: c.Cluster, Weight: 1}}
	case *routev3.RouteAction_WeightedClusters:
		for _, w := range c.WeightedClusters.GetClusters() {
			operations, err := compileOperations(w)
			if err != nil {
				return err
			}
			r.targets = append(r.targets, Target{
				Cluster: w.GetName(), Weight: w.GetWeight().GetValue(), authority: w.GetHostRewriteLiteral(), operations: operations,
			})
			r.weights += uint64(w.GetWeight().GetValue())
		}
		if r.weights == 0 {
			return errors.New("the weights of the clusters add up to 0")
		}
	default:
		return fmt.Errorf("a cluster by %T is not supported", c)
	}
	// Without a timeout Envoy waits 15 s. Istio always says how long.
	r.Timeout = 15 * time.Second
	if a.GetTimeout() != nil {
		r.Timeout = a.GetTimeout().AsDuration()
	}
	//lint:ignore SA1019 Istio sets the older field.
	if longest := a.GetMaxGrpcTimeout(); longest != nil {
		d := longest.AsDuration()
		r.grpcTimeout = &d
	}
	r.stream = compileStreamLimit(a.GetMaxStreamDuration())
	var err error
	if r.Retry, err = compileRetry(a.GetRetryPolicy()); err != nil {
		return err
	}
	if r.rewrite, err = compileRewrite(a, &r.match); err != nil {
		return err
	}
	for _, m := range a.GetRequestMirrorPolicies() {
		r.Mirrors = append(r.Mirrors, compileMirror(m))
	}
	r.hash, err = compileHash(a.GetHashPolicy())
	return err
}

// Mirror is a cluster that gets copies of requests, whose responses no one sees.
type Mirror struct {
	Cluster string
	Share   Share
	// ShadowHost: "-shadow" is appended to the authority.
	ShadowHost bool
}

func compileMirror(m *routev3.RouteAction_RequestMirrorPolicy) Mirror {
	out := Mirror{Cluster: m.GetCluster(), Share: always, ShadowHost: !m.GetDisableShadowHostSuffixAppend()}
	if fraction := m.GetRuntimeFraction(); fraction != nil {
		out.Share = compileShare(fraction.GetDefaultValue())
	}
	return out
}

// Authority is that of a copy.
func (m Mirror) Authority(of string) string {
	if !m.ShadowHost {
		return of
	}
	host := field.WithoutPort(of)
	return host + "-shadow" + of[len(host):]
}
