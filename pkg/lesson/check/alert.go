package check

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/strict"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// alert looks at the state of an alert now, or for a change of it since the step began.
func (e Eye) alert(ctx context.Context, want *format.Alert, base Baseline) Result {
	r := Result{Verdict: Inconclusive, Expected: want.Name + " " + want.State}
	resp, err := e.Shop.ListAlerts(ctx, &controlpb.ListAlertsRequest{})
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
		r.Verdict, r.Observed = Fail, fmt.Sprintf("no rule is called %s%s", want.Name, strict.DidYouMean(want.Name, names))
		return r
	case rule.GetLastError() != "":
		r.Observed = "the rule cannot be evaluated: " + rule.GetLastError()
		return r
	case rule.GetLastEvaluation() == nil:
		r.Observed = "the rule has not been evaluated yet"
		return r
	}
	now := alertNow(want, resp.GetAlerts())
	state := want.State
	if state == "fired" || state == "resolved" {
		if change := changedTo(want, resp.GetHistory(), base.Since); change != nil {
			r.Verdict = Pass
			r.Evidence = Evidence{Kind: AlertEvidence, Name: want.Name, Time: change.GetTime().AsTime()}
			r.Observed = fmt.Sprintf("%s %s at %s", want.Name, state, change.GetTime().AsTime().Local().Format(time.TimeOnly))
			return r
		}
		r.Verdict, r.Observed = Fail, fmt.Sprintf("%s is %s, and has not %s since the step began", want.Name, now, state)
		return r
	}
	r.Verdict, r.Observed = verdict(now == state), want.Name+" "+now
	return r
}

// alertNow is the worst state among the alerts of a rule that have the labels.
func alertNow(want *format.Alert, alerts []*controlpb.Alert) string {
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

// changedTo finds when an alert last came to fire, or was resolved, since a time; nil if it was not.
func changedTo(want *format.Alert, history []*controlpb.AlertChange, since time.Time) *controlpb.AlertChange {
	state := map[string]string{"fired": "firing", "resolved": "resolved"}[want.State]
	i := slices.IndexFunc(history, func(c *controlpb.AlertChange) bool {
		return c.GetName() == want.Name && c.GetState() == state && !c.GetTime().AsTime().Before(since) && hasLabels(c.GetLabels(), want.Labels)
	})
	if i < 0 {
		return nil
	}
	return history[i]
}

func hasLabels(labels, want map[string]string) bool {
	for name, value := range want {
		if labels[name] != value {
			return false
		}
	}
	return true
}
