// Package alert evaluates recording and alerting rules as Prometheus does, and records the history of
// alerts.
//
// A rule's result goes back into the store as series: what it records, or ALERTS and ALERTS_FOR_STATE. What a
// rule does not yield any more is marked stale. The semantics are those of Prometheus' package rules, which a
// test module holds against this one on the same samples; it itself would cost the binary its dead-code
// elimination (text/template).
package alert

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// State of an alert.
type State string

// The states, as Prometheus names them; Resolved is that of a change.
const (
	Inactive State = "inactive"
	Pending  State = "pending"
	Firing   State = "firing"
	Resolved State = "resolved"
)

// Alert is one alert that is pending or firing, or was firing a short while ago.
type Alert struct {
	Rule        string
	Labels      labels.Labels
	Annotations labels.Labels
	State       State
	Value       float64
	// Active is since when the expression holds, Fired when the alert began to fire, and ResolvedAt when
	// it stopped.
	Active, Fired, ResolvedAt time.Time
	keepSince                 time.Time
}

// Change is one alert that went from one state to another.
type Change struct {
	Time    time.Time
	Alert   string
	Labels  labels.Labels
	State   State
	Value   float64
	Summary string
}

// RuleStatus is how a rule does.
type RuleStatus struct {
	// Object is "namespace/name" of the PrometheusRule.
	Object, Group string
	Record, Alert string
	Expr          string
	For, Keep     time.Duration
	Interval      time.Duration
	Labels        map[string]string
	Annotations   map[string]string
	// State is the worst of its alerts.
	State State
	// Health is ok, err, or unknown before the first evaluation.
	Health string
	Err    error
	Last   time.Time
	Took   time.Duration
	Alerts []Alert
}
