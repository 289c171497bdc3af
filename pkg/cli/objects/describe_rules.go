package objects

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/shopctl/shopctl/pkg/rule"
)

// describeRules lists the rules of a PrometheusRule, their expressions on one line each.
func describeRules(w io.Writer, spec rule.Spec) {
	for _, g := range spec.Groups {
		fmt.Fprintf(w, "Group %s, every %s:\n", g.Name, cmp.Or(g.Interval, rule.DefaultInterval.String()))
		for _, r := range g.Rules {
			what := "record " + r.Record
			if r.Alert != "" {
				what = "alert " + r.Alert
			}
			if r.For != "" {
				what += " after " + r.For
			}
			fmt.Fprintf(w, "  %s\n    %s\n", what, strings.Join(strings.Fields(r.Expr.String()), " "))
		}
	}
}
