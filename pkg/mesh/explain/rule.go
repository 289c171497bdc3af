package explain

import (
	"fmt"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/mesh/show"
)

func rulePath(i int) string { return fmt.Sprintf("spec.http[%d]", i) }

// httpRule is the rule of the VirtualService as it is now; nil if it is not there.
func (x *hop) httpRule() *networking.HTTPRoute {
	for i, rule := range x.VirtualService(x.object.Namespace, x.object.Name).GetHttp() {
		if rulePath(i) == x.path {
			return rule
		}
	}
	return nil
}

// destination is the part of a rule that leads to the cluster, and in words its share of the requests.
func (x *hop) destination() (part, share string) {
	rule := x.httpRule()
	var sum, weight int32
	for i, d := range rule.GetRoute() {
		sum += d.GetWeight()
		if part == "" && leads(&networking.HTTPRoute{Route: rule.GetRoute()[i : i+1]}, x.sidecar.Cluster) {
			part, weight = fmt.Sprintf("route[%d]", i), d.GetWeight()
		}
	}
	if part == "" {
		return "route", ""
	}
	if len(rule.GetRoute()) > 1 && sum > 0 {
		share = fmt.Sprintf(", which gets %.4g%%", 100*float64(weight)/float64(sum))
	}
	return part, share
}

// named reports whether a route's name is that of a rule, or of a match of it: "RULE" or "RULE.MATCH".
func named(rule *networking.HTTPRoute, route string) bool {
	if rule.GetName() == route {
		return true
	}
	for _, m := range rule.GetMatch() {
		if m.GetName() != "" && rule.GetName()+"."+m.GetName() == route {
			return true
		}
	}
	return false
}

// leads reports whether a rule has a destination in a cluster; it does where no cluster was chosen.
func leads(rule *networking.HTTPRoute, cluster string) bool {
	_, subset, host := show.SplitCluster(cluster)
	if host == "" {
		return true
	}
	for _, d := range rule.GetRoute() {
		to := strings.ToLower(d.GetDestination().GetHost())
		if d.GetDestination().GetSubset() == subset && (to == host || strings.HasPrefix(host, to+".")) {
			return true
		}
	}
	return false
}
