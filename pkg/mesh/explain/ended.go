package explain

import (
	"cmp"
	"fmt"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/shopctl/shopctl/pkg/mesh/show"
)

// What Istio does where a rule has no retries.
const (
	defaultRetries = "Istio's default would have tried at most 3 times, on other conditions"
	noRetries      = "the first failure would have been the response"
)

func (x *hop) retried(route *routev3.Route) Decision {
	what := fmt.Sprintf("tried %d times", x.sidecar.Attempts)
	if p := route.GetRoute().GetRetryPolicy(); p != nil {
		what += " (" + show.Retries(p) + ")"
	}
	if x.httpRule().GetRetries() != nil {
		return x.decide("retried", "retries", what, defaultRetries)
	}
	return Decision{Verb: "retried", What: what + ", as Istio does where no object has retries", Without: noRetries}
}

// final says why a failure was not tried again.
func (x *hop) final(route *routev3.Route) []Decision {
	c := x.sidecar
	failed := strings.HasPrefix(c.Status, "5") || c.GRPC != "" && c.GRPC != "OK"
	for _, child := range x.span.Children {
		if d := child.Sidecar().Details; strings.HasPrefix(d, deniedByPolicy) || strings.HasPrefix(d, deniedByToken) {
			return nil // that is the answer, and no failure
		}
	}
	if !failed || c.Attempts != 1 || x.flag("URX") || x.flag("UO") || x.flag("DC") || strings.Contains(c.Details, "response_timeout") {
		return nil
	}
	p := route.GetRoute().GetRetryPolicy()
	what := "not tried again: retries are off"
	if p != nil {
		what = "not tried again: the failure is none of " + strings.TrimPrefix(p.GetRetryOn(), ",")
	}
	switch {
	case route == nil:
		return nil
	case x.httpRule().GetRetries() != nil:
		return []Decision{x.decide("retried", "retries", what, defaultRetries)}
	}
	return []Decision{{Verb: "retried", What: what + ", Istio's default"}}
}

// ended is why a request ended as it did.
func (x *hop) ended(route *routev3.Route) []Decision {
	var list []Decision
	c := x.cluster()
	if x.flag("UT") {
		list = append(list, x.timedOut(route))
	}
	if x.flag("UH") {
		list = append(list, x.unhealthy(c))
	}
	if x.flag("UO") {
		list = append(list, x.overLimit(c))
	}
	if x.flag("URX") {
		d := Decision{Verb: "retried", What: "no retry is left: the last failure is the response"}
		if x.httpRule().GetRetries() != nil {
			d = x.decide(d.Verb, "retries", d.What, "")
		}
		list = append(list, d)
	}
	for _, f := range failures() {
		if x.flag(f.flag) {
			list = append(list, x.failed(c, f))
		}
	}
	return append(list, x.final(route)...)
}

// overLimit is the limit that a request or a retry went over. A request that was not sent ends with the reason overflow; where
// a retry was not made, the failure before it is the response.
func (x *hop) overLimit(c *clusterv3.Cluster) Decision {
	path, what, without := "spec.trafficPolicy.connectionPool", "a limit of "+x.calleeName()+" was reached: ", "the request would have been sent"
	if !strings.Contains(x.sidecar.Details, "overflow") {
		what, without = "not tried again, as a limit of "+x.calleeName()+" was reached: ", "the request would have been tried again"
		if show.HasRetryBudget(c) {
			path = "spec.trafficPolicy.retryBudget"
		}
	}
	return x.ofCluster(c, path, "limited", what+strings.Join(show.Limits(c), ", "), without)
}

func (x *hop) timedOut(route *routev3.Route) Decision {
	action := route.GetRoute()
	part, limit, what := "timeout", action.GetTimeout().AsDuration(), "the timeout of the request"
	without := "the caller would have waited until its own deadline"
	if strings.Contains(x.sidecar.Details, "per_try_timeout") {
		part, limit, what = "retries.perTryTimeout", action.GetRetryPolicy().GetPerTryTimeout().AsDuration(), "the timeout of a try"
		without = "the try would have gone on until the timeout of the request, or the caller's own deadline"
	}
	if limit > 0 {
		what += ", " + limit.String() + ","
	}
	return x.decide("timed out", part, what+" was over", without)
}

func (x *hop) unhealthy(c *clusterv3.Cluster) Decision {
	if c.GetOutlierDetection() != nil && x.endpoints() > 0 {
		return x.ofCluster(c, "spec.trafficPolicy.outlierDetection", "ejected", "no endpoint of "+x.calleeName()+" is left: outlier detection "+show.Outliers(c.GetOutlierDetection()),
			"the request would have been sent to an endpoint that failed before")
	}
	what := "no endpoint of " + x.calleeName() + " is ready"
	if _, subset, _ := show.SplitCluster(x.sidecar.Cluster); subset != "" {
		return x.ofCluster(c, cmp.Or(show.OriginOf(c.GetMetadata(), "subset"), "spec.subsets"), "ejected", what+" and has the labels of the subset", "the request would have been sent to any endpoint of the service")
	}
	return Decision{Verb: "ejected", What: what}
}

// endpoints is how many the chosen cluster has.
func (x *hop) endpoints() int {
	n := 0
	if x.resources == nil {
		return n
	}
	for _, a := range x.resources.Endpoints {
		if a.GetClusterName() == x.sidecar.Cluster {
			for _, l := range a.GetEndpoints() {
				n += len(l.GetLbEndpoints())
			}
		}
	}
	return n
}

type failure struct{ flag, what string }

// failures are the flags that no object explains, unless it says how connections are secured.
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

func (x *hop) failed(c *clusterv3.Cluster, f failure) Decision {
	d := Decision{Verb: "failed", What: f.what + " (" + f.flag + ")"}
	if f.flag != "UF" && f.flag != "UC" || len(x.span.Children) > 0 {
		return d
	}
	switch tlsOf(c) {
	case show.MutualTLS:
		return x.ofCluster(c, "spec.trafficPolicy.tls", "failed", d.What+": it is called over mutual TLS alone", "an endpoint without a sidecar would have been called in plaintext")
	case show.FileTLS, show.MutualFileTLS:
		return x.ofCluster(c, "spec.trafficPolicy.tls", "failed", d.What+": it is called over "+tlsOf(c), "mutual TLS for an endpoint with a sidecar, and plaintext for others")
	case show.Plaintext:
		return x.ofCluster(c, "spec.trafficPolicy.tls", "failed", d.What+": it is called in plaintext, which STRICT does not let in", "it would have been called over mutual TLS")
	}
	return d
}

// tlsOf is how a DestinationRule has a cluster called; empty if none says it, and the endpoint decides.
func tlsOf(c *clusterv3.Cluster) string {
	if c == nil || len(c.GetTransportSocketMatches()) > 0 || show.ObjectOf(c.GetMetadata()).Name == "" {
		return ""
	}
	return show.Security(c)
}

// ofDestinationRule is how the DestinationRule had the request sent.
func (x *hop) ofDestinationRule() []Decision {
	c := x.cluster()
	if c == nil || x.sidecar.Host == "" || x.flag("UH") {
		return nil
	}
	var list []Decision
	if how := map[clusterv3.Cluster_LbPolicy]string{
		clusterv3.Cluster_ROUND_ROBIN: "endpoints are called in turn", clusterv3.Cluster_RANDOM: "the endpoint was drawn by lot",
		clusterv3.Cluster_RING_HASH: "the endpoint was chosen by a hash of the request", clusterv3.Cluster_MAGLEV: "the endpoint was chosen by a hash of the request",
	}[c.GetLbPolicy()]; how != "" && show.ObjectOf(c.GetMetadata()).Name != "" {
		list = append(list, x.ofCluster(c, "spec.trafficPolicy.loadBalancer", "balanced", how+" ("+c.GetLbPolicy().String()+")", "of two endpoints the one with fewer requests"))
	}
	if x.flag("UF") || x.flag("UC") {
		return list
	}
	switch tlsOf(c) {
	case show.MutualTLS:
		list = append(list, x.ofCluster(c, "spec.trafficPolicy.tls", "secured", "sent over mutual TLS", "the same for an endpoint with a sidecar, and plaintext for others"))
	case show.FileTLS, show.MutualFileTLS:
		list = append(list, x.ofCluster(c, "spec.trafficPolicy.tls", "secured", "sent over "+tlsOf(c), "mutual TLS for an endpoint with a sidecar, and plaintext for others"))
	case show.Plaintext:
		list = append(list, x.ofCluster(c, "spec.trafficPolicy.tls", "secured", "sent in plaintext", "mutual TLS for an endpoint with a sidecar"))
	}
	return list
}

// ofCluster is a decision of the DestinationRule of a cluster. A subset's own part is where it is written, else the service's.
func (x *hop) ofCluster(c *clusterv3.Cluster, path, verb, what, without string) Decision {
	d := Decision{Verb: verb, What: what, Without: without}
	if d.Object = show.ObjectOf(c.GetMetadata()); d.Object.Name != "" {
		d.Path = path
		d.Position = x.Position(d.Object, cmp.Or(show.OriginOf(c.GetMetadata(), strings.TrimPrefix(path, "spec.trafficPolicy.")), path))
	}
	return d
}
