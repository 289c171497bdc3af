package resource

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/resource/monitoring"
	"github.com/shopctl/shopctl/pkg/rule"
)

func prometheusRuleKind() Kind {
	return definition[*monitoring.PrometheusRule]{
		Kind: Kind{
			Name: KindPrometheusRule, APIVersion: monitoring.APIVersion, Plural: "prometheusrules", Short: []string{"promrule"},
			Namespaced: true, Restorable: true,
		},
		empty: func() *monitoring.PrometheusRule { return &monitoring.PrometheusRule{} },
		check: func(c *admission.Issues, o *monitoring.PrometheusRule) {
			for _, issue := range rule.Check(o.Spec) {
				c.Add("spec."+issue.Path, "%s", issue.Message)
			}
		},
		spec: func(o *monitoring.PrometheusRule) any { return o.Spec },
		columns: []column[*monitoring.PrometheusRule]{
			{"GROUPS", func(o *monitoring.PrometheusRule) string { return strconv.Itoa(len(o.Spec.Groups)) }},
			{"RULES", func(o *monitoring.PrometheusRule) string { return strconv.Itoa(countRules(o)) }},
		},
		summary:  func(o *monitoring.PrometheusRule) string { return humanize.Count(countRules(o), "rule") },
		describe: describePrometheusRule,
	}.kind()
}

func countRules(o *monitoring.PrometheusRule) int {
	n := 0
	for _, g := range o.Spec.Groups {
		n += len(g.Rules)
	}
	return n
}

// describePrometheusRule lists the rules, their expressions on one line each.
func describePrometheusRule(p Printer, o *monitoring.PrometheusRule, _ *Live) {
	for _, g := range o.Spec.Groups {
		fmt.Fprintf(p, "Group %s, every %s:\n", g.Name, cmp.Or(g.Interval, rule.DefaultInterval.String()))
		for _, r := range g.Rules {
			title := "record " + r.Record
			if r.Alert != "" {
				title = "alert " + r.Alert
			}
			if r.For != "" {
				title += " after " + r.For
			}
			fmt.Fprintf(p, "  %s\n    %s\n", title, strings.Join(strings.Fields(r.Expr.String()), " "))
		}
	}
}
