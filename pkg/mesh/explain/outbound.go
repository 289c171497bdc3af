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
	list := x.faults()
	if x.flag("FI") {
		return list // the request ended there
	}
	list = append(list, x.routed())
	if x.flag("NR") || x.flag("NC") {
		return list
	}
	route := x.route()
	for _, m := range route.GetRoute().GetRequestMirrorPolicies() {
		list = append(list, x.decide("mirrored", "mirror", "mirrored to "+show.ShortCluster(m.GetCluster()), "no copy would have been sent"))
	}
	if x.sidecar.Attempts > 1 {
		list = append(list, x.retried(route))
	}
	return append(list, x.ended(route)...)
}

// route is the route that the request took, in what the sidecar holds now; nil if it holds none like it.
func (x *hop) route() *routev3.Route {
	if x.resources == nil {
		return nil
	}
	for _, configuration := range x.resources.Routes {
		for _, host := range configuration.GetVirtualHosts() {
			for _, r := range host.GetRoutes() {
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
	if x.sidecar.Cluster == "" {
		return "the callee"
	}
	return show.ShortCluster(x.sidecar.Cluster)
}

func (x *hop) routed() Decision {
	rule := ""
	if x.sidecar.Route != "" && x.sidecar.Route != "default" {
		rule = fmt.Sprintf(" by the rule %q", x.sidecar.Route)
	}
	without := ""
	if x.object.Name != "" {
		without = everyone
	}
	switch {
	case x.flag("NR"):
		return x.decide("routed", "", "no rule fits the request, so that it goes nowhere", everyone)
	case x.flag("NC"):
		return x.decide("routed", "route", "routed to "+x.calleeName()+rule+", which does not exist: no DestinationRule has this subset, or there is no such service or port", everyone)
	case strings.Contains(x.sidecar.Details, "direct_response"):
		return x.decide("responded", "directResponse", "responded to without a service"+rule, everyone)
	case x.sidecar.Cluster == "":
		return x.decide("routed", "", "routed"+rule, without)
	}
	what := "routed to " + x.calleeName() + rule
	if x.sidecar.Host != "" {
		what += ", endpoint " + x.sidecar.Host
	}
	return x.decide("routed", "route", what, without)
}

func (x *hop) retried(route *routev3.Route) Decision {
	what := fmt.Sprintf("tried %d times", x.sidecar.Attempts)
	if p := route.GetRoute().GetRetryPolicy(); p != nil {
		what += " (" + show.Retries(p) + ")"
	}
	without := "the first failure would have been the response"
	if vs := x.VirtualService(x.object.Namespace, x.object.Name); vs != nil {
		for i, rule := range vs.GetHttp() {
			if rulePath(i) == x.path && rule.GetRetries() != nil {
				return x.decide("retried", "retries", what, "Istio's default would have tried at most 3 times, on other conditions")
			}
		}
	}
	return Decision{Verb: "retried", What: what + ", as Istio does where no object has retries", Without: without}
}

// ended is why a request ended as it did.
func (x *hop) ended(route *routev3.Route) []Decision {
	var list []Decision
	action, c := route.GetRoute(), x.cluster()
	if x.flag("UT") {
		part, limit := "timeout", action.GetTimeout().AsDuration()
		what := "the timeout of the request"
		if strings.Contains(x.sidecar.Details, "per_try_timeout") {
			part, limit, what = "retries.perTryTimeout", action.GetRetryPolicy().GetPerTryTimeout().AsDuration(), "the timeout of a try"
		}
		if limit > 0 {
			what += ", " + limit.String() + ","
		}
		list = append(list, x.decide("timed out", part, what+" was over", "the caller would have waited until its own deadline"))
	}
	if x.flag("UH") {
		d := x.ofCluster(c, "spec", "ejected", "no endpoint of "+x.calleeName()+" is healthy", "")
		if c.GetOutlierDetection() != nil {
			d = x.ofCluster(c, "spec.trafficPolicy.outlierDetection", "ejected", "no endpoint of "+x.calleeName()+" is left: outlier detection "+show.Outliers(c.GetOutlierDetection()), "the request would have been sent to an endpoint that failed before")
		}
		list = append(list, d)
	}
	if x.flag("UO") {
		list = append(list, x.ofCluster(c, "spec.trafficPolicy.connectionPool", "limited", "a limit of "+x.calleeName()+" was reached: "+strings.Join(show.Limits(c), ", "), "the request would have been sent"))
	}
	if x.flag("URX") {
		list = append(list, x.decide("retried", "retries", "no retry is left: the last failure is the response", ""))
	}
	for _, f := range failures() {
		if x.flag(f.flag) {
			list = append(list, Decision{Verb: "failed", What: f.what + " (" + f.flag + ")"})
		}
	}
	return list
}

type failure struct{ flag, what string }

// failures are the flags that no object explains.
func failures() []failure {
	return []failure{
		{"UF", "the connection to the endpoint failed"},
		{"UC", "the endpoint closed the connection"},
		{"UR", "the endpoint reset the request"},
		{"UPE", "the endpoint broke the protocol"},
		{"DPE", "the caller broke the protocol"},
		{"DC", "the caller went away"},
	}
}

// ofCluster is a decision of the DestinationRule of a cluster.
func (x *hop) ofCluster(c *clusterv3.Cluster, path, verb, what, without string) Decision {
	d := Decision{Verb: verb, What: what, Without: without}
	if d.Object = show.ObjectOf(c.GetMetadata()); d.Object.Name != "" {
		d.Path = path
		d.Position = x.Position(d.Object, path)
	}
	return d
}
