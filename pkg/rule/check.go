package rule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/shopctl/shopctl/pkg/promexpr"
)

// Issue is something wrong with one field.
type Issue struct {
	// Path of the field within the spec: "groups[0].rules[1].expr".
	Path    string
	Message string
}

const (
	// maxRules and maxGroups bound one object.
	maxRules  = 500
	maxGroups = 100
)

// Check returns what Prometheus would refuse in a spec, and what cannot be evaluated here.
func Check(s Spec) []Issue {
	var c checker
	if len(s.Groups) > maxGroups {
		c.add("groups", "%d groups are too many; one object may have %d", len(s.Groups), maxGroups)
		return c.issues
	}
	names := map[string]bool{}
	for i, g := range s.Groups {
		at := fmt.Sprintf("groups[%d]", i)
		switch {
		case g.Name == "":
			c.add(at+".name", "is missing")
		case names[g.Name]:
			c.add(at+".name", "%q is the name of another group", g.Name)
		}
		names[g.Name] = true
		c.duration(at+".interval", g.Interval, false)
		c.duration(at+".query_offset", g.QueryOffset, true)
		c.labels(at+".labels", g.Labels)
		if g.Limit != nil && *g.Limit < 0 {
			c.add(at+".limit", "%d is below zero", *g.Limit)
		}
		if len(g.Rules) > maxRules {
			c.add(at+".rules", "%d rules are too many; a group may have %d", len(g.Rules), maxRules)
			continue
		}
		c.rules(at, g.Rules)
	}
	return c.issues
}

type checker struct{ issues []Issue }

func (c *checker) add(path, format string, args ...any) {
	c.issues = append(c.issues, Issue{path, fmt.Sprintf(format, args...)})
}

func (c *checker) rules(group string, rules []Rule) {
	seen := map[string]int{}
	for i, r := range rules {
		at := fmt.Sprintf("%s.rules[%d]", group, i)
		switch {
		case r.Record == "" && r.Alert == "":
			c.add(at, "has neither record nor alert")
			continue
		case r.Record != "" && r.Alert != "":
			c.add(at+".alert", "a rule records or alerts, not both")
			continue
		}
		c.expr(at+".expr", r.Expr.String())
		c.labels(at+".labels", r.Labels)
		if r.Record != "" {
			c.recording(at, r)
		} else {
			c.alerting(at, r)
		}
		key := fmt.Sprintf("%q %q %v", r.Record, r.Alert, r.Labels) // maps are printed in order
		if before, twice := seen[key]; twice {
			c.add(at, "has the name and the labels of rules[%d]", before)
		} else {
			seen[key] = i
		}
	}
}

func (c *checker) recording(at string, r Rule) {
	if !model.LegacyValidation.IsValidMetricName(r.Record) {
		c.add(at+".record", "%q is not a metric name; use letters, digits, _ and :", r.Record)
	}
	for _, field := range []struct{ name, value string }{{"for", r.For}, {"keep_firing_for", r.KeepFiringFor}} {
		if field.value != "" {
			c.add(at+"."+field.name, "is for alerts; this rule records")
		}
	}
	if len(r.Annotations) > 0 {
		c.add(at+".annotations", "are for alerts; this rule records")
	}
}

func (c *checker) alerting(at string, r Rule) {
	c.duration(at+".for", r.For, true)
	c.duration(at+".keep_firing_for", r.KeepFiringFor, true)
	for _, name := range sorted(r.Annotations) {
		if !model.LegacyValidation.IsValidLabelName(name) {
			c.add(at+".annotations["+name+"]", "%q is not an annotation name; use letters, digits and _", name)
		}
		c.template(at+".annotations["+name+"]", r.Annotations[name])
	}
	for _, name := range sorted(r.Labels) {
		c.template(at+".labels["+name+"]", r.Labels[name])
	}
}

func (c *checker) template(path, text string) {
	if _, err := ParseTemplate(text); err != nil {
		c.add(path, "%v", err)
	}
}

func (c *checker) expr(path, text string) {
	if strings.TrimSpace(text) == "" {
		c.add(path, "is missing")
		return
	}
	if _, err := promexpr.NewParser().ParseExpr(text); err != nil {
		c.add(path, "%v", err)
	}
}

func (c *checker) duration(path, text string, zero bool) {
	if text == "" {
		return
	}
	d, err := model.ParseDuration(text)
	switch {
	case err != nil:
		c.add(path, "%q is not a duration such as 30s, 5m or 1h", text)
	case d == 0 && !zero:
		c.add(path, "must be above zero")
	}
}

func (c *checker) labels(path string, labels map[string]string) {
	for _, name := range sorted(labels) {
		if !model.LegacyValidation.IsValidLabelName(name) || name == model.MetricNameLabel {
			c.add(path+"["+name+"]", "%q cannot be a label; use letters, digits and _", name)
		}
		if !model.LabelValue(labels[name]).IsValid() {
			c.add(path+"["+name+"]", "the value is not valid UTF-8")
		}
	}
}

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
