// Package explain says why a request went as it did: for each hop between two services, which part of which object
// decided, and what would have happened without. It reads the spans of the sidecars and what they are configured with,
// and changes nothing.
package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/mesh/show"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/trace"
)

// Source knows the mesh that a request went through.
type Source interface {
	// Resources are those that a sidecar holds, by its node id; nil if they are not known.
	Resources(node string) *xds.Resources
	// VirtualService is the one with a name; nil if there is none.
	VirtualService(namespace, name string) *networking.VirtualService
	// Position is where a part of an object was written, "payment.yaml:14"; empty if that is not known.
	Position(o show.Object, path string) string
	// Changed is when an object was last changed; zero if that is not known.
	Changed(o show.Object) time.Time
}

// Decision is what one part of an object did to a request.
type Decision struct {
	// Verb is matched, routed, balanced, changed, redirected, responded, retried, timed out, ejected, mirrored, delayed, aborted,
	// allowed, denied, limited, failed or secured.
	Verb string
	// What happened, in words.
	What string
	// Object that decided; the zero Object is a default of Istio's.
	Object show.Object
	// Path is the part of the object, Position where that was written.
	Path, Position string
	// Without is what would have happened without; empty where that is the same.
	Without string
}

// Hop is a request between two services.
type Hop struct {
	Caller, Callee, Operation string
	Status, Flags             string
	Attempts                  int
	Took                      time.Duration
	// Depth is how many hops it is below the first.
	Depth     int
	Decisions []Decision
	// Changed are the objects of decisions that have changed since the request: what is said of them is as they are now.
	Changed []show.Object
}

// Hops explains a trace, which must have the spans of sidecars.
func Hops(t *trace.Trace, src Source) []Hop {
	var hops []Hop
	depth := map[*trace.Span]int{}
	for _, s := range t.Spans {
		if s.Up != nil {
			depth[s] = depth[s.Up]
		}
		switch {
		case s.Proxy && s.Kind == trace.Client:
			hops = append(hops, outbound(s, src, depth[s]))
			depth[s]++
		case s.Proxy && s.Kind == trace.Server && !below(s):
			h := Hop{Callee: s.Service, Operation: operation(s, s.Sidecar()), Depth: depth[s]}
			h.inbound(s, src)
			h.describe(s, s.Sidecar())
			h.since(s, src)
			hops = append(hops, h)
			depth[s]++
		}
	}
	return hops
}

// below reports whether a sidecar's incoming span is below another's outgoing one, which explains both.
func below(s *trace.Span) bool { return s.Up != nil && s.Up.Proxy && s.Up.Kind == trace.Client }

// outbound explains a request by the span of its caller's sidecar, and those of the callee's below it.
func outbound(s *trace.Span, src Source, depth int) Hop {
	c := s.Sidecar()
	h := Hop{Caller: s.Service, Operation: operation(s, c), Depth: depth}
	h.Callee, _, _ = strings.Cut(hostOf(s, c), ".")
	h.describe(s, c)
	x := hop{Source: src, span: s, sidecar: c, resources: src.Resources(c.Node), object: show.ParseConfig(c.Config)}
	if x.flag("NR") {
		x.object = x.unmatched()
	}
	if x.object.Kind == "VirtualService" {
		x.path = x.rule()
	}
	h.Decisions = x.decisions()
	for _, child := range s.Children {
		if child.Proxy && child.Kind == trace.Server {
			h.Callee = child.Service
			h.inbound(child, src)
		}
	}
	h.since(s, src)
	return h
}

// Remark says of an object that it has changed.
func (Hop) Remark(o show.Object) string {
	return fmt.Sprintf("%s %s/%s has changed since the request: its lines and limits are those of now", o.Kind, o.Namespace, o.Name)
}

// since notes which objects have changed since the request.
func (h *Hop) since(s *trace.Span, src Source) {
	for _, d := range h.Decisions {
		if d.Object.Name != "" && !slices.Contains(h.Changed, d.Object) && src.Changed(d.Object).After(s.Start) {
			h.Changed = append(h.Changed, d.Object)
		}
	}
}

// hostOf is what was called: the host of the cluster that was chosen, else the service that the span or the request names. A
// fault aborts before a cluster is chosen.
func hostOf(s *trace.Span, c trace.Sidecar) string {
	if _, _, host := show.SplitCluster(c.Cluster); host != "" {
		return host
	}
	for _, name := range []string{s.Name, c.Authority} {
		if host, _, _ := strings.Cut(name, ":"); strings.Contains(host, ".svc.") {
			return host
		}
	}
	return ""
}

// operation is what was called: what the program's span says, else the method and path of HTTP or the call of gRPC.
func operation(s *trace.Span, c trace.Sidecar) string {
	if s.Up != nil && !s.Up.Proxy && s.Up.Kind == trace.Client {
		return s.Up.Name
	}
	if c.Method != "" && c.GRPC == "" {
		return c.Method + " " + c.Path
	}
	return cmp.Or(strings.TrimPrefix(c.Path, "/"), s.Name)
}

func (h *Hop) describe(s *trace.Span, c trace.Sidecar) {
	h.Status, h.Flags, h.Took, h.Attempts = cmp.Or(c.GRPC, c.Status, s.Code), c.Flags, s.Duration(), max(1, c.Attempts)
}

// hop is what is known of a request at its caller's sidecar.
type hop struct {
	Source
	span      *trace.Span
	sidecar   trace.Sidecar
	resources *xds.Resources
	object    show.Object
	// path is the rule of the object.
	path string
}

func (x *hop) flag(name string) bool {
	for flag := range strings.SplitSeq(x.sidecar.Flags, ",") {
		if flag == name {
			return true
		}
	}
	return false
}

// decide is a decision of a part of the VirtualService.
func (x *hop) decide(verb, part, what, without string) Decision {
	d := Decision{Verb: verb, What: what, Without: without}
	if x.object.Name == "" {
		return d
	}
	if ids, ok := strings.CutPrefix(x.path, "fault:"); ok {
		d.Object = show.Object{Kind: "fault", Name: ids} // of the shop, and of no file
		return d
	}
	d.Object, d.Path = x.object, x.path
	if part != "" && x.path != "" {
		d.Path += "." + part
	}
	d.Position = x.Position(d.Object, d.Path)
	return d
}

// rule is the path of the rule that a request fell under: what the span says, or what the sidecar holds of it, else the
// first whose name and destination are the request's.
func (x *hop) rule() string {
	if x.sidecar.Rule != "" {
		return x.sidecar.Rule
	}
	if x.flag("NR") {
		return "spec.http"
	}
	if rule := show.RuleOf(x.route().GetMetadata()); rule != "" {
		return rule
	}
	vs := x.VirtualService(x.object.Namespace, x.object.Name)
	for i, rule := range vs.GetHttp() {
		if named(rule, x.sidecar.Route) && leads(rule, x.sidecar.Cluster) {
			return rulePath(i)
		}
	}
	for i, rule := range vs.GetHttp() {
		if named(rule, x.sidecar.Route) {
			return rulePath(i)
		}
	}
	return "spec"
}
