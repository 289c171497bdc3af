package check

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// alertAsker evaluates probe.Alert.
type alertAsker struct{ *probe.Alert }

func (alertAsker) command() string {
	return "shopctl alerts"
}

func (a alertAsker) evidence() Evidence {
	return Evidence{Kind: AlertEvidence, Name: a.Name}
}

// evaluate examines the present state of an alert, or its changes since the step began.
func (a alertAsker) evaluate(ctx context.Context, p Prober, base Baseline) Result {
	want := a.Alert
	r := Result{Verdict: Inconclusive, Expected: want.Name + " " + string(want.State) + atLeastTimes(want.AtLeast)}
	resp, err := p.Shop.ListAlerts(ctx, &controlpb.ListAlertsRequest{})
	if err != nil {
		r.Observed = status.Convert(err).Message()
		return r
	}
	var names []string
	var rule *controlpb.AlertRule
	for _, known := range resp.GetRules() {
		names = append(names, known.GetName())
		if known.GetName() == want.Name {
			rule = known
		}
	}
	switch {
	case rule == nil:
		r.Verdict, r.Observed = Fail, fmt.Sprintf("there is no rule %s%s", want.Name, strictyaml.DidYouMean(want.Name, names))
		return r
	case rule.GetLastError() != "":
		r.Observed = "the rule cannot be evaluated: " + rule.GetLastError()
		return r
	case rule.GetLastEvaluation() == nil:
		r.Observed = "the rule has not been evaluated yet"
		return r
	}
	now := alertNow(want, resp.GetAlerts())
	if !want.State.Past() {
		r.Verdict, r.Observed = verdict(now == string(want.State)), want.Name+" "+now
		return r
	}
	changes := changesTo(want, resp.GetHistory(), base.Since)
	r.Verdict = verdict(len(changes) >= max(want.AtLeast, 1))
	if len(changes) == 0 {
		r.Observed = fmt.Sprintf("%s is %s, and has not %s since the step began", want.Name, now, want.State)
		return r
	}
	at := changes[0].GetTime().AsTime()
	r.Evidence = Evidence{Kind: AlertEvidence, Name: want.Name, Time: at}
	r.Observed = fmt.Sprintf("%s %s at %s", want.Name, want.State, at.Local().Format(time.TimeOnly))
	if want.AtLeast > 1 {
		r.Observed = fmt.Sprintf("%s has %s %s since the step began, and is %s", want.Name, want.State, times(len(changes)), now)
	}
	return r
}

// alertNow is the worst state among the alerts of a rule that have the labels.
func alertNow(want *probe.Alert, alerts []*controlpb.Alert) string {
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
func changesTo(want *probe.Alert, history []*controlpb.AlertChange, since time.Time) []*controlpb.AlertChange {
	state := map[probe.AlertState]string{probe.AlertFired: "firing", probe.AlertResolved: "resolved"}[want.State]
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
