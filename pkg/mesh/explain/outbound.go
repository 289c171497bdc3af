package explain

import (
	"fmt"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/shopctl/shopctl/pkg/mesh/show"
)

// everyone is where a request goes without a VirtualService.
const everyone = "to any endpoint of the service"

// decisions are those of the caller's sidecar, in the order in which they were made.
func (x *hop) decisions() []Decision {
	route := x.route()
	list := append(x.matched(route), x.faults()...)
	if x.flag("FI") {
		return list // the request ended there
	}
	list = append(list, x.routed(route))
	if x.flag("NR") || x.flag("NC") || x.sidecar.Cluster == "" {
		return list
	}
	list = append(append(list, x.changed(route)...), x.mirrored(route)...)
	list = append(list, x.ofDestinationRule()...)
	if x.sidecar.Attempts > 1 {
		list = append(list, x.retried(route))
	}
	return append(list, x.ended(route)...)
}

// unmatched is the VirtualService whose rules a request did not fit.
func (x *hop) unmatched() show.Object {
	if x.resources == nil {
		return show.Object{}
	}
	for _, row := range show.Routes(x.resources) {
		if row.Name == x.sidecar.Authority && row.Object.Kind == "VirtualService" {
			return row.Object
		}
	}
	return show.Object{}
}

// matched says which of a rule's matches the request fits.
func (x *hop) matched(route *routev3.Route) []Decision {
	if x.sidecar.Match == "" || x.object.Name == "" {
		return nil
	}
	what := "the request fits this match"
	if m := show.Match(route.GetMatch()); m == "/*" {
		what += ", which looks at nothing in it"
	} else if m != "" {
		what += ": " + m
	}
	return []Decision{{
		Verb: "matched", What: what, Object: x.object, Path: x.sidecar.Match, Position: x.Position(x.object, x.sidecar.Match),
		Without: "the matches and rules after it would have been tried",
	}}
}

// changed says what the rule changes of a request on its way.
func (x *hop) changed(route *routev3.Route) []Decision {
	var list []Decision
	if a := route.GetRoute(); x.object.Name != "" && (a.GetPrefixRewrite() != "" || a.GetRegexRewrite() != nil || a.GetHostRewriteLiteral() != "") {
		list = append(list, x.decide("changed", "rewrite", "its path or authority was rewritten", "it would have been sent as it came"))
	}
	rule := x.httpRule()
	if rule.GetHeaders() != nil {
		list = append(list, x.decide("changed", "headers", "its headers or those of the response were changed", "they would have been passed on as they came"))
	}
	if part, _ := x.destination(); part != "route" {
		for i, d := range rule.GetRoute() {
			if part == fmt.Sprintf("route[%d]", i) && d.GetHeaders() != nil {
				list = append(list, x.decide("changed", part+".headers", "its headers or those of the response were changed for this destination", "they would have been passed on as the rule says"))
			}
		}
	}
	if rule.GetCorsPolicy() != nil {
		list = append(list, x.decide("changed", "corsPolicy", "pages of the origins in this policy may read the response", "only pages of the service's own origin could read it"))
	}
	return list
}

// mirrored says where copies of the request may have gone.
func (x *hop) mirrored(route *routev3.Route) []Decision {
	if x.flag("UH") && x.sidecar.Host == "" {
		return nil // it was sent nowhere, and no copy either
	}
	var list []Decision
	for i, m := range route.GetRoute().GetRequestMirrorPolicies() {
		part, what := "mirror", "mirrored to "
		if x.httpRule().GetMirror() == nil {
			part = fmt.Sprintf("mirrors[%d]", i)
		}
		if share := show.Share(m.GetRuntimeFraction().GetDefaultValue()); m.GetRuntimeFraction() != nil && share != "100%" {
			what = "mirrored, with a chance of " + share + ", to "
		}
		list = append(list, x.decide("mirrored", part, what+show.ShortCluster(m.GetCluster()), "no copy would have been sent"))
	}
	return list
}

// route is the route that the request took, in what the sidecar holds now; nil if it holds none like it.
func (x *hop) route() *routev3.Route {
	if x.resources == nil {
		return nil
	}
	for _, configuration := range x.resources.Routes {
		for _, host := range configuration.GetVirtualHosts() {
			for _, r := range host.GetRoutes() {
				if x.sidecar.Rule != "" && (show.RuleOf(r.GetMetadata()) != x.sidecar.Rule || show.OriginOf(r.GetMetadata(), "match") != x.sidecar.Match) {
					continue
				}
				if r.GetName() == x.sidecar.Route && show.ObjectOf(r.GetMetadata()) == x.object && strings.Contains(show.Target(r)+" ", x.sidecar.Cluster) {
					return r
				}
			}
		}
	}
	return nil
}

// cluster is the cluster that was chosen.
func (x *hop) cluster() *clusterv3.Cluster {
	if x.resources == nil {
		return nil
	}
	for _, c := range x.resources.Clusters {
		if c.GetName() == x.sidecar.Cluster {
			return c
		}
	}
	return nil
}

func (x *hop) faults() []Decision {
	var list []Decision
	without := "the request would have been sent at once"
	if x.flag("DI") {
		list = append(list, x.decide("delayed", "fault.delay", "delayed by a fault before it was sent", without))
	}
	if x.flag("FI") {
		list = append(list, x.decide("aborted", "fault.abort", "aborted by a fault; "+x.calleeName()+" was not called", "it would have been sent to "+x.calleeName()))
	}
	return list
}

func (x *hop) calleeName() string {
	if x.sidecar.Cluster != "" {
		return show.ShortCluster(x.sidecar.Cluster)
	}
	host := hostOf(x.span, x.sidecar)
	if host == "" {
		return "the callee"
	}
	short, _, _ := strings.Cut(host, ".")
	if _, port, ok := strings.Cut(x.sidecar.Authority, ":"); ok {
		short += ":" + port
	}
	return short
}

func (x *hop) routed(route *routev3.Route) Decision {
	rule := ""
	if x.sidecar.Route != "" && x.sidecar.Route != "default" {
		rule = fmt.Sprintf(" by the rule %q", x.sidecar.Route)
	}
	without := ""
	if x.object.Name != "" {
		without = everyone
	}
	part, share := x.destination()
	switch {
	case x.flag("NR"):
		return x.decide("routed", "", "no rule fits the request, so that it goes nowhere", everyone)
	case x.flag("NC"):
		return x.decide("routed", part, "routed to "+x.calleeName()+rule+", which does not exist: no DestinationRule has this subset, or there is no such service or port", everyone)
	case strings.Contains(x.sidecar.Details, "direct_response"):
		return x.decide("responded", "directResponse", "responded to without a service"+rule, everyone)
	case x.sidecar.Cluster == "" && route.GetRedirect() != nil:
		return x.decide("redirected", "redirect", "the caller was redirected"+rule, everyone)
	case x.sidecar.Cluster == "" && x.httpRule().GetCorsPolicy() != nil:
		return x.decide("responded", "corsPolicy", "the question of a browser, which origins may call, was answered"+rule, everyone)
	case x.sidecar.Cluster == "":
		return x.decide("routed", "", "routed"+rule, without)
	}
	what := "routed to " + x.calleeName() + rule + share
	if x.sidecar.Host != "" {
		what += ", endpoint " + x.sidecar.Host
	}
	return x.decide("routed", part, what, without)
}
