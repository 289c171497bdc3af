package delivery

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/resource/istio"
)

// fqdn is the full name of a host that an object in a namespace names.
func fqdn(host, namespace string) string {
	switch parts := strings.Split(host, "."); {
	case len(parts) == 1:
		return host + "." + namespace + ".svc.cluster.local"
	case len(parts) == 2 || len(parts) == 3 && parts[2] == "svc":
		return parts[0] + "." + parts[1] + ".svc.cluster.local"
	}
	return host
}

// names reports whether hosts have that of a Service in a namespace.
func names(hosts []string, service, namespace string) bool {
	return slices.ContainsFunc(hosts, func(h string) bool { return fqdn(h, namespace) == fqdn(service, namespace) })
}

// weighted are the rules of a VirtualService between whose releases a canary divides: their only destination is the Service,
// and one of their routes leads to the old release, or to no subset. A rule for testers that leads to the new release alone is
// none. Routes to other releases count only if they have a weight.
func (p Plan) weighted(vs *istio.VirtualService) (indices []int) {
	for i, rule := range vs.Spec.Message().GetHttp() {
		old, others := false, false
		for _, r := range rule.GetRoute() {
			here := names([]string{r.GetDestination().GetHost()}, p.Host, vs.Namespace)
			subset := r.GetDestination().GetSubset()
			old = old || here && (subset == p.From || subset == "")
			silent := r.GetWeight() == 0 && len(rule.GetRoute()) > 1
			others = others || !here || subset != p.From && subset != p.To && subset != "" && !silent
		}
		if old && !others {
			indices = append(indices, i)
		}
	}
	return indices
}

// routed are the rules of a VirtualService with a route to the Service.
func (p Plan) routed(vs *istio.VirtualService) (indices []int) {
	for i, rule := range vs.Spec.Message().GetHttp() {
		for _, r := range rule.GetRoute() {
			if names([]string{r.GetDestination().GetHost()}, p.Host, vs.Namespace) {
				indices = append(indices, i)
				break
			}
		}
	}
	return indices
}

// newShare is the percentage that a rule gives to the new release.
func (p Plan) newShare(rule *networking.HTTPRoute) int {
	all, after := int32(0), int32(0)
	for _, r := range rule.GetRoute() {
		weight := r.GetWeight()
		if len(rule.GetRoute()) == 1 {
			weight = 100
		}
		all += weight
		if r.GetDestination().GetSubset() == p.To {
			after += weight
		}
	}
	if all == 0 {
		return 0
	}
	return int(100 * after / all)
}

// foreign says how weights differ from that of the canary; empty if they do not.
func (c Canary) foreign(vs *istio.VirtualService) string {
	indices := c.weighted(vs)
	if len(indices) == 0 {
		return "no rule leads to " + c.From + " any more"
	}
	for _, i := range indices {
		if share := c.newShare(vs.Spec.Message().GetHttp()[i]); share != c.Weight() {
			return fmt.Sprintf("spec.http[%d] gives %s %d%%, not %d%%", i, c.To, share, c.Weight())
		}
	}
	return ""
}

// setWeights gives the new release its percentage in every weighted rule, and the old one the rest. All else stays as it was
// written.
func (p Plan) setWeights(vs *istio.VirtualService, percent int) error {
	spec, ok := vs.Spec.Tree().(map[string]any)
	rules, _ := spec["http"].([]any)
	indices := p.weighted(vs)
	if !ok || len(indices) == 0 {
		return fmt.Errorf("no rule of VirtualService %s leads to %s of %s", vs.Name, p.From, p.Host)
	}
	for _, i := range indices {
		if i >= len(rules) {
			return fmt.Errorf("rule %d of VirtualService %s cannot be read", i, vs.Name)
		}
		rule, _ := rules[i].(map[string]any)
		routes, _ := rule["route"].([]any)
		divided, err := p.divide(routes, percent)
		if err != nil {
			return fmt.Errorf("rule %d of VirtualService %s: %w", i, vs.Name, err)
		}
		rule["route"] = divided
	}
	data, err := json.Marshal(map[string]any{"spec": spec})
	if err != nil {
		return fmt.Errorf("write VirtualService %s: %w", vs.Name, err)
	}
	var changed istio.VirtualService
	if err := json.Unmarshal(data, &changed); err != nil {
		return fmt.Errorf("write VirtualService %s: %w", vs.Name, err)
	}
	vs.Spec = changed.Spec
	return nil
}

// divide makes two routes, one to each release. Each is like the one that led there before, or like the other.
func (p Plan) divide(routes []any, percent int) ([]any, error) {
	before := p.routeTo(routes, p.From, "")
	if before == nil {
		return nil, fmt.Errorf("no route leads to %s", p.From)
	}
	after := p.routeTo(routes, p.To)
	if after == nil {
		after = before
	}
	return []any{toward(before, p.From, 100-percent), toward(after, p.To, percent)}, nil
}

// routeTo is the first of the routes to one of the subsets.
func (p Plan) routeTo(routes []any, subsets ...string) map[string]any {
	for _, subset := range subsets {
		for _, r := range routes {
			route, _ := r.(map[string]any)
			destination, _ := route["destination"].(map[string]any)
			if name, _ := destination["subset"].(string); destination != nil && name == subset {
				return route
			}
		}
	}
	return nil
}

func toward(route map[string]any, subset string, weight int) map[string]any {
	route = maps.Clone(route)
	destination, _ := route["destination"].(map[string]any)
	destination = maps.Clone(destination)
	destination["subset"] = subset
	route["destination"], route["weight"] = destination, weight
	return route
}

// addSubsets adds to a DestinationRule the releases that it does not have.
func (p Plan) addSubsets(dr *istio.DestinationRule) error {
	spec, ok := dr.Spec.Tree().(map[string]any)
	if !ok {
		return fmt.Errorf("DestinationRule %s has no spec", dr.Name)
	}
	subsets, _ := spec["subsets"].([]any)
	for _, version := range []string{p.From, p.To} {
		if !slices.ContainsFunc(dr.Spec.Message().GetSubsets(), func(s *networking.Subset) bool { return s.GetName() == version }) {
			subsets = append(subsets, map[string]any{"name": version, "labels": map[string]any{versionLabel: version}})
		}
	}
	spec["subsets"] = subsets
	data, err := json.Marshal(map[string]any{"spec": spec})
	if err != nil {
		return fmt.Errorf("write DestinationRule %s: %w", dr.Name, err)
	}
	var changed istio.DestinationRule
	if err := json.Unmarshal(data, &changed); err != nil {
		return fmt.Errorf("write DestinationRule %s: %w", dr.Name, err)
	}
	dr.Spec = changed.Spec
	return nil
}

// versionLabel is the label of pods by which releases differ.
const versionLabel = "version"
