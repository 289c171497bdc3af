package translate

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
)

// destination is what objects say of a service: its policy and its subsets.
type destination struct {
	// rule is the one whose policy holds, else the oldest; nil if there is none.
	rule    *DestinationRule
	policy  *networking.TrafficPolicy
	subsets []*networking.Subset
}

// destination finds the rules for a host in the namespace of the caller, then that of the service, then the root's.
// Among those of one namespace the most exact host counts. Rules with the very same host are merged: the first policy
// holds, and subsets add up.
func (m *Mesh) destination(proxy Proxy, host string) destination {
	serviceNamespace := ""
	if s := m.service(host); s != nil {
		serviceNamespace = s.Namespace
	}
	for _, namespace := range []string{proxy.Namespace, serviceNamespace, m.RootNamespace} {
		if rules := m.rulesIn(namespace, host); len(rules) > 0 {
			return merge(rules)
		}
	}
	return destination{}
}

// rulesIn are the rules of a namespace with the most exact host, the oldest first.
func (m *Mesh) rulesIn(namespace, host string) []DestinationRule {
	var rules []DestinationRule
	best := 0
	for _, dr := range sortedOldest(m.DestinationRules, func(dr DestinationRule) Meta { return dr.Meta }) {
		if dr.Namespace != namespace {
			continue
		}
		switch match := hostMatch(m.fullName(dr.Spec.GetHost(), dr.Namespace), host); {
		case match > best:
			best, rules = match, []DestinationRule{dr}
		case match > 0 && match == best:
			rules = append(rules, dr)
		}
	}
	return rules
}

func merge(rules []DestinationRule) destination {
	var d destination
	for _, rule := range rules {
		if d.rule == nil || d.policy == nil && rule.Spec.GetTrafficPolicy() != nil {
			d.rule, d.policy = &rule, rule.Spec.GetTrafficPolicy()
		}
		for _, subset := range rule.Spec.GetSubsets() {
			known := func(s *networking.Subset) bool { return s.GetName() == subset.GetName() }
			if !slices.ContainsFunc(d.subsets, known) {
				d.subsets = append(d.subsets, subset)
			}
		}
	}
	return d
}

// origin names the rule in the metadata of a cluster, and under the names of the blocks where a subset writes its own.
func (d destination) origin(subset string) map[string]string {
	texts := map[string]string{"config": configPath(d.rule.Namespace, "destination-rule", d.rule.Name)}
	for i, s := range d.rule.Spec.GetSubsets() {
		if s.GetName() != subset {
			continue
		}
		part := fmt.Sprintf("spec.subsets[%d]", i)
		texts["subset"] = part
		p := s.GetTrafficPolicy()
		for name, set := range map[string]bool{
			"connectionPool": p.GetConnectionPool() != nil, "outlierDetection": p.GetOutlierDetection() != nil,
			"loadBalancer": p.GetLoadBalancer() != nil, "tls": p.GetTls() != nil,
			"retryBudget": p.GetRetryBudget() != nil,
		} {
			if set {
				texts[name] = part + ".trafficPolicy." + name
			}
		}
		break
	}
	return texts
}

// policyOf is the policy of a port, for all endpoints or those of a subset. A block of the subset replaces the block of
// the service as a whole, and the settings of a port replace all blocks.
func (d destination) policyOf(port uint32, subset string) *networking.TrafficPolicy {
	policy := override(&networking.TrafficPolicy{}, d.policy, port)
	for _, s := range d.subsets {
		if s.GetName() == subset {
			return override(policy, s.GetTrafficPolicy(), port)
		}
	}
	return policy
}

func override(base, by *networking.TrafficPolicy, port uint32) *networking.TrafficPolicy {
	out := &networking.TrafficPolicy{
		ConnectionPool: base.GetConnectionPool(), OutlierDetection: base.GetOutlierDetection(),
		LoadBalancer: base.GetLoadBalancer(), Tls: base.GetTls(), RetryBudget: base.GetRetryBudget(),
	}
	replace(&out.ConnectionPool, by.GetConnectionPool())
	replace(&out.OutlierDetection, by.GetOutlierDetection())
	replace(&out.LoadBalancer, by.GetLoadBalancer())
	replace(&out.Tls, by.GetTls())
	replace(&out.RetryBudget, by.GetRetryBudget()) // a port has none of its own
	for _, p := range by.GetPortLevelSettings() {
		if p.GetPort().GetNumber() == port {
			out.ConnectionPool, out.OutlierDetection = p.GetConnectionPool(), p.GetOutlierDetection()
			out.LoadBalancer, out.Tls = p.GetLoadBalancer(), p.GetTls()
			break
		}
	}
	return out
}

// replace replaces a block if there is another.
func replace[M interface {
	comparable
	proto.Message
}](block *M, by M) {
	var none M
	if by != none {
		*block = by
	}
}
