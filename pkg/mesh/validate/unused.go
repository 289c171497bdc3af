package validate

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	networking "istio.io/api/networking/v1alpha3"
)

// unusedRules warns of rules that no request reaches, since an earlier one takes it.
func (c *checker) unusedRules(rules []*networking.HTTPRoute) {
	seen := map[string]int{}
	all := false
	for i, rule := range rules {
		name := ruleName(rule.GetName(), i)
		if len(rule.GetMatch()) == 0 {
			if all {
				c.warn("virtualService rule %s not used (only the last rule can have no matches)", name)
			}
			all = true
			continue
		}
		if all {
			c.warn("virtualService rule %s not used (route without matches defined before)", name)
			continue
		}
		duplicates := 0
		for j, match := range rule.GetMatch() {
			text := protojson.MarshalOptions{}.Format(match)
			if first, ok := seen[text]; ok {
				duplicates++
				c.warn("virtualService rule %s match %s is not used (duplicate/overlapping match in rule %s)",
					name, ruleName(match.GetName(), j), ruleName(rules[first].GetName(), first))
				continue
			}
			seen[text] = i
		}
		if duplicates == len(rule.GetMatch()) {
			c.warn("virtualService rule %s not used (all matches used by prior rules)", name)
		}
	}
}

// ruleName is the name of a rule, or its place from 0.
func ruleName(name string, place int) string {
	if name != "" {
		return fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("#%d", place)
}
