package probe

import (
	"slices"
	"time"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Alert requires a state of an alerting rule.
type Alert struct {
	At   strictyaml.Position
	Name string `yaml:"name" lesson:"required"`
	// State is firing, pending or inactive as it is now; fired or resolved when that happened since the
	// step began.
	State  AlertState        `yaml:"state" lesson:"required"`
	Labels map[string]string `yaml:"labels"`
	// AtLeast is the number of times that it must have fired or been resolved; default 1.
	AtLeast int `yaml:"at_least"`
}

// AlertState is a state that an alert check can require.
type AlertState string

// States of an alert: the first three as it is now, the others as a change since the step began.
const (
	AlertFiring   AlertState = "firing"
	AlertPending  AlertState = "pending"
	AlertInactive AlertState = "inactive"
	AlertFired    AlertState = "fired"
	AlertResolved AlertState = "resolved"
)

// Values returns all states.
func (AlertState) Values() []string {
	return []string{string(AlertFiring), string(AlertPending), string(AlertInactive), string(AlertFired), string(AlertResolved)}
}

// Past reports whether the state is a change in the past.
func (s AlertState) Past() bool { return s == AlertFired || s == AlertResolved }

// Validate implements Probe.
func (a *Alert) Validate(report Report) {
	if a.Name == "" {
		report(a.At, "an alert check has the name of a rule")
	}
	if states := a.State.Values(); !slices.Contains(states, string(a.State)) {
		report(a.At, "unknown state %q%s", a.State, strictyaml.DidYouMean(string(a.State), states))
	}
	if a.AtLeast != 0 && (a.AtLeast < 0 || !a.State.Past()) {
		report(a.At, "at_least counts how often the alert fired or was resolved, and cannot be combined with state %q", a.State)
	}
}

// ProbeKind implements Probe.
func (*Alert) ProbeKind() string { return "alert" }

// NamedServices implements Probe.
func (a *Alert) NamedServices() []Named { return []Named{{a.Labels["service"], a.At}} }

// Lookback implements Probe.
func (*Alert) Lookback() time.Duration { return time.Minute }

// Triggers implements Probe.
func (*Alert) Triggers() Event { return MetricsScraped }
