package probe

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/status"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
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

// Command implements Probe.
func (*Alert) Command() string {
	return "shopctl alerts"
}

// Evidence implements Probe.
func (a *Alert) Evidence() Evidence {
	return Evidence{Kind: AlertEvidence, Name: a.Name}
}

// Ask implements Probe. It examines the present state of an alert, or its changes since the step began.
func (a *Alert) Ask(ctx context.Context, env Env, base Baseline) Result {
	r := Result{Verdict: Inconclusive, Expected: a.Name + " " + string(a.State) + atLeastTimes(a.AtLeast)}
	resp, err := env.Shop.ListAlerts(ctx, &controlpb.ListAlertsRequest{})
	if err != nil {
		r.Observed = status.Convert(err).Message()
		return r
	}
	var names []string
	var rule *controlpb.AlertRule
	for _, known := range resp.GetRules() {
		names = append(names, known.GetName())
		if known.GetName() == a.Name {
			rule = known
		}
	}
	switch {
	case rule == nil:
		r.Verdict, r.Observed = Fail, fmt.Sprintf("there is no rule %s%s", a.Name, strictyaml.DidYouMean(a.Name, names))
		return r
	case rule.GetLastError() != "":
		r.Observed = "the rule cannot be evaluated: " + rule.GetLastError()
		return r
	case rule.GetLastEvaluation() == nil:
		r.Observed = "the rule has not been evaluated yet"
		return r
	}
	now := alertNow(a, resp.GetAlerts())
	if !a.State.Past() {
		r.Verdict, r.Observed = verdict(now == string(a.State)), a.Name+" "+now
		return r
	}
	changes := changesTo(a, resp.GetHistory(), base.Since)
	r.Verdict = verdict(len(changes) >= max(a.AtLeast, 1))
	if len(changes) == 0 {
		r.Observed = fmt.Sprintf("%s is %s, and has not %s since the step began", a.Name, now, a.State)
		return r
	}
	at := changes[0].GetTime().AsTime()
	r.Evidence = Evidence{Kind: AlertEvidence, Name: a.Name, Time: at}
	r.Observed = fmt.Sprintf("%s %s at %s", a.Name, a.State, at.Local().Format(time.TimeOnly))
	if a.AtLeast > 1 {
		r.Observed = fmt.Sprintf("%s has %s %s since the step began, and is %s", a.Name, a.State, times(len(changes)), now)
	}
	return r
}

// alertNow is the worst state among the alerts of a rule that have the labels.
func alertNow(want *Alert, alerts []*controlpb.Alert) string {
	state := "inactive"
	for _, a := range alerts {
		if a.GetName() != want.Name || !hasLabels(a.GetLabels(), want.Labels) {
			continue
		}
		if a.GetState() == "firing" {
			return "firing"
		}
		state = a.GetState()
	}
	return state
}

func atLeastTimes(n int) string {
	if n < 2 {
		return ""
	}
	return " at least " + times(n)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// changesTo are the changes since a time by which an alert fired or was resolved, the newest first.
func changesTo(want *Alert, history []*controlpb.AlertChange, since time.Time) []*controlpb.AlertChange {
	state := map[AlertState]string{AlertFired: "firing", AlertResolved: "resolved"}[want.State]
	var changes []*controlpb.AlertChange
	for _, c := range history {
		if c.GetName() == want.Name && c.GetState() == state && !c.GetTime().AsTime().Before(since) && hasLabels(c.GetLabels(), want.Labels) {
			changes = append(changes, c)
		}
	}
	return changes
}

func hasLabels(labels, want map[string]string) bool {
	for name, value := range want {
		if labels[name] != value {
			return false
		}
	}
	return true
}
