package fault

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Routes makes calls fail or wait in sidecars: in those of the callers, as a VirtualService does, or in that of a service that
// runs another program than a built-in one.
type Routes struct{ overall }

// NewRoutes returns the injector of faults in sidecars. deliver replaces all of them. It must not wait for anything that
// itself injects or clears faults.
func NewRoutes(deliver func([]Fault)) *Routes { return &Routes{newOverall(deliver)} }

// Plan implements Injector.
func (*Routes) Plan(s Spec, t Target) (Fault, bool, error) {
	if s.once() || s.Pause || s.wire() {
		return Fault{}, false, nil
	}
	where := WhereServer
	if s.client() {
		where = WhereClient
	}
	if err := s.checkWhere(t); err != nil {
		return Fault{}, true, err
	}
	if where == WhereServer && (t.Chassis || !t.Meshed || t.Protocol == "tcp") {
		return Fault{}, false, nil
	}
	f, err := s.call(t)
	if err != nil {
		return Fault{}, true, err
	}
	f.Where, f.http = where, t.Protocol == "http"
	f.Headers, err = headers(s.Headers)
	return f, true, err
}

// checkWhere refuses callers and headers where they are not known, and callers without sidecars.
func (s Spec) checkWhere(t Target) error {
	switch {
	case s.Where != "" && s.Where != WhereServer && s.Where != WhereClient:
		return &Invalid{Text: fmt.Sprintf("where %q is neither %s nor %s", s.Where, WhereServer, WhereClient), Hint: "use --where client, or leave it out"}
	case t.Gateway || t.Caller != nil && t.Caller.Gateway:
		return &Invalid{Text: "a gateway passes calls on as the objects of Istio that name it say: faults in calls act in the services behind it", Hint: "shopctl fault inject frontend --error UNAVAILABLE"}
	case s.client():
		return t.checkCallers()
	case s.From != "" || len(s.Headers) > 0:
		return &Invalid{Text: "--from and --header are for faults in the callers' sidecars", Hint: "leave --where server out"}
	}
	return nil
}

// checkCallers refuses targets whose callers have no sidecars to cause a fault.
func (t Target) checkCallers() error {
	from := t.Caller
	switch {
	case t.Protocol == "tcp":
		return t.speaksTCP()
	case t.Module != "" && (from == nil || from.Workload == t.Workload):
		return &Invalid{
			Text: fmt.Sprintf("%s is a module of %s: its callers are in the same process, and call it without a sidecar", t.Name, t.Process),
			Hint: fmt.Sprintf("shopctl fault inject %s --error UNAVAILABLE", t.Name),
		}
	case from != nil && !from.Meshed:
		return from.unmeshed()
	case from == nil && !t.Meshed:
		return t.unmeshed()
	}
	return nil
}

// headers checks headers of requests, "name=value", and writes their names as HTTP/2 does.
func headers(all []string) ([]string, error) {
	var out []string
	for _, h := range all {
		name, value, ok := strings.Cut(h, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || value == "" {
			return nil, &Invalid{Text: fmt.Sprintf("header %q is not NAME=VALUE", h), Hint: "use --header x-user=alice"}
		}
		out = append(out, name+"="+value)
	}
	return out, nil
}

// Wire disturbs the connections between sidecars.
type Wire struct{ overall }

// NewWire returns the injector of faults on the wire. deliver is that of NewRoutes.
func NewWire(deliver func([]Fault)) *Wire { return &Wire{newOverall(deliver)} }

// Plan implements Injector.
func (*Wire) Plan(s Spec, t Target) (Fault, bool, error) {
	if !s.wire() {
		return Fault{}, false, nil
	}
	if err := s.checkWire(t); err != nil {
		return Fault{}, true, err
	}
	f := s.wholeProcess(t)
	f.Partition, f.Drop, f.Bandwidth = s.Partition, s.Drop, s.Bandwidth
	return f, true, nil
}

func (s Spec) checkWire(t Target) error {
	switch {
	case s.Error != "" || s.Delay != 0 || s.Method != "" || s.Percent != 0 || s.Where != "" || len(s.Headers) > 0:
		return &Invalid{
			Text: "--partition, --drop and --bandwidth act on whole connections and cannot be combined with --error, --delay, --method, --percent, --header or --where",
			Hint: fmt.Sprintf("shopctl fault inject %s --drop 20%%", t.Name),
		}
	case s.Partition && (s.Drop != 0 || s.Bandwidth != 0):
		return &Invalid{Text: "nothing passes in a partition: --drop and --bandwidth have no effect", Hint: "leave them out"}
	case s.Partition && t.Caller == nil:
		return &Invalid{Text: "a partition is between two services", Hint: fmt.Sprintf("shopctl fault inject --partition checkout,%s", t.Name)}
	case s.Drop < 0 || s.Drop > 100 || math.IsNaN(s.Drop):
		return &Invalid{Text: fmt.Sprintf("drop %g%% is not above 0 and at most 100", s.Drop), Hint: "use --drop 20%"}
	case s.Bandwidth < 0:
		return &Invalid{Text: fmt.Sprintf("bandwidth %d bytes per second is not above zero", s.Bandwidth), Hint: "use --bandwidth 64KB/s"}
	case t.Caller != nil && t.Caller.Workload == t.Workload:
		return &Invalid{Text: fmt.Sprintf("%s and %s are one workload: no wire is between them", t.Caller.Name, t.Name), Hint: "shopctl fault inject --partition checkout,payment"}
	case !t.Meshed:
		return t.unmeshed()
	case t.Caller != nil && !t.Caller.Meshed:
		return t.Caller.unmeshed()
	}
	return nil
}

// overall is an injector that hands over its faults in all workloads at once. The registry begins and ends one fault at a time.
type overall struct {
	deliver func([]Fault)
	active  map[string][]Fault
}

func newOverall(deliver func([]Fault)) overall {
	return overall{deliver: deliver, active: map[string][]Fault{}}
}

// Begin implements Injector.
func (o overall) Begin(f Fault, active []Fault) error {
	o.replace(f.Workload, active)
	return nil
}

// End implements Injector.
func (o overall) End(f Fault, _ Kind, left []Fault) error {
	o.replace(f.Workload, left)
	return nil
}

// replace replaces the faults in a workload. All are handed over in the order in which they began.
func (o overall) replace(workload string, faults []Fault) {
	o.active[workload] = faults
	all := []Fault{}
	for _, some := range o.active {
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b Fault) int {
		return cmp.Or(a.Injected.Compare(b.Injected), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	o.deliver(all)
}

// Path is which requests a method means, by their path: those that have it, begin with it, or end with it. At most one is set.
type Path struct{ Exact, Prefix, Suffix string }

// Path is that of the fault's method; empty for all.
func (f Fault) Path() Path {
	switch {
	case f.fullMethod == "":
		return Path{}
	case f.http:
		return Path{Prefix: f.fullMethod}
	case strings.HasPrefix(f.fullMethod, "/"):
		return Path{Exact: f.fullMethod}
	case strings.Contains(f.fullMethod, "/"):
		return Path{Exact: "/" + f.fullMethod}
	}
	return Path{Suffix: "/" + f.fullMethod}
}

// HTTP reports whether the service speaks HTTP and not gRPC, so that a code becomes a status of HTTP.
func (f Fault) HTTP() bool { return f.http }
