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
		c.in(item("http", i), func() {
			switch {
			case len(rule.GetMatch()) == 0 && all:
				c.warn("virtualService rule %s not used (only the last rule can have no matches)", name)
			case len(rule.GetMatch()) == 0:
				all = true
			case all:
				c.warn("virtualService rule %s not used (route without matches defined before)", name)
			default:
				c.unusedMatches(rules, i, seen)
			}
		})
	}
}

// unusedMatches warns of matches of a rule that an earlier rule has too: seen are those of the rules before.
func (c *checker) unusedMatches(rules []*networking.HTTPRoute, i int, seen map[string]int) {
	name := ruleName(rules[i].GetName(), i)
	duplicates := 0
	for j, match := range rules[i].GetMatch() {
		text := protojson.MarshalOptions{}.Format(match)
		first, ok := seen[text]
		if !ok {
			seen[text] = i
			continue
		}
		duplicates++
		c.in(item("match", j), func() {
			c.warn("virtualService rule %s match %s is not used (duplicate/overlapping match in rule %s)",
				name, ruleName(match.GetName(), j), ruleName(rules[first].GetName(), first))
		})
	}
	if duplicates == len(rules[i].GetMatch()) {
		c.warn("virtualService rule %s not used (all matches used by prior rules)", name)
	}
}

// ruleName is the name of a rule, or its place from 0.
func ruleName(name string, place int) string {
	if name != "" {
		return fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("#%d", place)
}
