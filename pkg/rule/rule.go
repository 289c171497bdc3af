// Package rule defines recording and alerting rules in the shape of the Prometheus operator's
// PrometheusRule, validates them, and expands the texts of alerts. Package pkg/observe/alert evaluates them.
package rule

import (
	"time"

	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Spec is the spec of a PrometheusRule (monitoring.coreos.com/v1).
type Spec struct {
	Groups []Group `json:"groups,omitempty"`
}

// Group is a list of rules that are evaluated one after the other, at the same times.
type Group struct {
	Name string `json:"name"`
	// Interval between evaluations, as Prometheus writes durations; empty: DefaultInterval.
	Interval string `json:"interval,omitempty"`
	// QueryOffset moves the time of evaluation into the past.
	QueryOffset string `json:"query_offset,omitempty"`
	// Limit on the alerts of an alerting rule, or the series of a recording rule; 0: none.
	Limit *int `json:"limit,omitempty"`
	// Labels for all rules of the group; a rule's own go before them.
	Labels map[string]string `json:"labels,omitempty"`
	Rules  []Rule            `json:"rules,omitempty"`
}

// Rule records the result of an expression as a series, or makes alerts of it.
type Rule struct {
	// Record or Alert is its name: one of the two.
	Record string `json:"record,omitempty"`
	Alert  string `json:"alert,omitempty"`
	// Expr is PromQL; a bare number is allowed.
	Expr intstr.IntOrString `json:"expr"`
	// For is how long the expression must hold until an alert fires.
	For string `json:"for,omitempty"`
	// KeepFiringFor is how long an alert continues to fire after its expression no longer holds.
	KeepFiringFor string            `json:"keep_firing_for,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
	// Annotations are templates for people.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// DefaultInterval is how often a group is evaluated that does not say. Prometheus' own default, a minute,
// is for data centers; here the user waits for the alert.
const DefaultInterval = 15 * time.Second

// Name is the name of the recorded metric, or of the alert.
func (r Rule) Name() string {
	if r.Record != "" {
		return r.Record
	}
	return r.Alert
}

// Duration reads a duration of a rule; an empty or bad one is def.
func Duration(text string, def time.Duration) time.Duration {
	if text == "" {
		return def
	}
	d, err := model.ParseDuration(text)
	if err != nil {
		return def
	}
	return time.Duration(d)
}

// DeepCopy returns a copy that shares nothing.
func (s Spec) DeepCopy() Spec {
	out := Spec{}
	for _, g := range s.Groups {
		c := g
		c.Labels = clone(g.Labels)
		if g.Limit != nil {
			limit := *g.Limit
			c.Limit = &limit
		}
		c.Rules = nil
		for _, r := range g.Rules {
			r.Labels, r.Annotations = clone(r.Labels), clone(r.Annotations)
			c.Rules = append(c.Rules, r)
		}
		out.Groups = append(out.Groups, c)
	}
	return out
}

func clone(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
