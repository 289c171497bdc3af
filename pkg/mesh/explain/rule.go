package explain

import (
	"fmt"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/mesh/show"
)

func rulePath(i int) string { return fmt.Sprintf("spec.http[%d]", i) }

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
