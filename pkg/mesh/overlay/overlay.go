// Package overlay adds faults to the rules of VirtualServices, as an author of rules would. It stores nothing: the rules of
// a user stay as they are, and each fault is a rule before them, for the requests that it concerns.
package overlay

import (
	"slices"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/rpc/code"
)

// Fault makes requests fail or wait.
type Fault struct {
	// ID names it: "f3".
	ID string
	// Percent of the requests that it concerns, above 0 and at most 100.
	Percent float64
	// Delay is 0 if they do not wait, and Code OK if they do not fail. HTTP: they fail with the status of HTTP that the code
	// means.
	Delay time.Duration
	Code  codes.Code
	HTTP  bool
	// Source are labels of the callers, and SourceNamespace where they are; empty: all callers.
	Source          map[string]string
	SourceNamespace string
	// Headers that requests have, by their names in lower case.
	Headers map[string]string
	Path    Path
}

// Path is which requests a fault concerns by their path: those that have it, begin with it, or end with it. At most one is
// set; none: all requests.
type Path struct{ Exact, Prefix, Suffix string }

// Rule is a rule, and what it is of.
type Rule struct {
	*networking.HTTPRoute
	// Index of the user's rule that it is, or that it is a copy of with faults.
	Index int
	// Faults are the ids of those in it; nil: it is the user's own.
	Faults []string
}

// Rules returns rules with faults. Rules that were given are shared, and not changed.
//
// A fault by the beginning or the end of a path does not concern the requests of a rule that matches paths by a regular
// expression: no condition of Istio's says both.
func Rules(rules []*networking.HTTPRoute, faults []Fault) []Rule {
	all := make([]Rule, len(rules))
	for i, r := range rules {
		all[i] = Rule{HTTPRoute: r, Index: i}
	}
	for i := range faults {
		all = add(all, &faults[i])
	}
	return all
}

func add(rules []Rule, f *Fault) []Rule {
	var all []Rule
	for i, r := range rules {
		if i > 0 && len(rules[i-1].GetMatch()) == 0 { // it takes all requests
			return append(all, rules[i:]...)
		}
		matches, whole := narrow(r.GetMatch(), f)
		if matches == nil && !whole {
			all = append(all, r)
			continue
		}
		broken := Rule{HTTPRoute: proto.CloneOf(r.HTTPRoute), Index: r.Index, Faults: append(slices.Clone(r.Faults), f.ID)}
		broken.Match, broken.Name = matches, "fault-"+f.ID
		f.addTo(broken.HTTPRoute)
		all = append(all, broken)
		if r.Faults == nil || !whole { // else no request is left for it
			all = append(all, r)
		}
	}
	return all
}

// narrow returns the matches of a rule that also fit a fault. whole: the fault concerns all requests of the rule.
func narrow(matches []*networking.HTTPMatchRequest, f *Fault) (narrowed []*networking.HTTPMatchRequest, whole bool) {
	if len(matches) == 0 {
		m, _ := f.and(&networking.HTTPMatchRequest{})
		if proto.Size(m) == 0 {
			return nil, true
		}
		return []*networking.HTTPMatchRequest{m}, false
	}
	whole = true
	for _, m := range matches {
		both, ok := f.and(m)
		if ok {
			narrowed = append(narrowed, both)
		}
		whole = whole && ok && proto.Equal(both, m)
	}
	return narrowed, whole
}

// addTo adds the fault to those of a rule. Where both fail or delay requests, the fault is the one that does.
func (f *Fault) addTo(rule *networking.HTTPRoute) {
	if rule.Fault == nil {
		rule.Fault = &networking.HTTPFaultInjection{}
	}
	percentage := &networking.Percent{Value: f.Percent}
	if f.Delay > 0 {
		rule.Fault.Delay = &networking.HTTPFaultInjection_Delay{
			HttpDelayType: &networking.HTTPFaultInjection_Delay_FixedDelay{FixedDelay: durationpb.New(f.Delay)}, Percentage: percentage,
		}
	}
	if f.Code == codes.OK {
		return
	}
	rule.Fault.Abort = &networking.HTTPFaultInjection_Abort{Percentage: percentage}
	if f.HTTP {
		status := int32(runtime.HTTPStatusFromCode(f.Code))
		rule.Fault.Abort.ErrorType = &networking.HTTPFaultInjection_Abort_HttpStatus{HttpStatus: status}
		return
	}
	rule.Fault.Abort.ErrorType = &networking.HTTPFaultInjection_Abort_GrpcStatus{GrpcStatus: code.Name(f.Code)}
}
