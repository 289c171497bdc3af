package promcheck

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/template"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/observe/alert"
	"github.com/shopctl/shopctl/pkg/rule"
)

// interval between the evaluations of the rules.
const interval = 15 * time.Second

// spec are rules that make alerts come, wait, stay and go, with all that a rule can say.
func spec() rule.Group {
	expr := intstr.FromString
	return rule.Group{Name: "g", Interval: interval.String(), Rules: []rule.Rule{
		{Record: "service:errors:ratio1m", Expr: expr(`sum by (service) (rate(requests_total{code="Internal"}[1m])) / sum by (service) (rate(requests_total[1m]))`), Labels: map[string]string{"window": "1m"}},
		{Alert: "Errors", Expr: expr(`service:errors:ratio1m > 0.2`), For: "1m", Labels: map[string]string{"severity": "ticket"}},
		{Alert: "Down", Expr: expr(`up == 0`), For: "2m", KeepFiringFor: "3m", Labels: map[string]string{"severity": "page", "where": "{{ $labels.pod }}"}, Annotations: map[string]string{"summary": "{{ $labels.service }} is {{ $value | humanize }} {{ printf \"%.1f\" $value }}"}},
		{Alert: "Gone", Expr: expr(`absent(requests_total{pod="pod-2"})`)},
		{Alert: "Noise", Expr: expr(`gauge > 1`), Annotations: map[string]string{"value": "{{ $value }}"}},
		{Alert: "Wait", Expr: expr(`gauge > 0`), For: "30s"},
		{Record: "scalar", Expr: intstr.FromInt32(3)},
		{Record: "broken", Expr: expr(`gauge * on () gauge`)},
		{Record: "twice", Expr: expr(`up`), Labels: map[string]string{"pod": "same"}},
	}}
}

// theirGroup makes Prometheus' rules of the same spec.
func (p *pair) theirGroup(g rule.Group) (*rules.Group, []*rules.AlertingRule) {
	p.t.Helper()
	var list []rules.Rule
	var alerting []*rules.AlertingRule
	for _, r := range g.Rules {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr.String())
		if err != nil {
			p.t.Fatal(err)
		}
		ls := labels.FromMap(r.Labels)
		if r.Record != "" {
			list = append(list, rules.NewRecordingRule(r.Record, expr, ls))
			continue
		}
		a := rules.NewAlertingRule(r.Alert, expr, rule.Duration(r.For, 0), rule.Duration(r.KeepFiringFor, 0), ls, labels.FromMap(r.Annotations), labels.EmptyLabels(), "", true, promslog.NewNopLogger())
		list, alerting = append(list, a), append(alerting, a)
	}
	return rules.NewGroup(rules.GroupOptions{
		Name: g.Name, File: "f", Interval: interval, Rules: list,
		Opts: &rules.ManagerOptions{
			QueryFunc: rules.EngineQueryFunc(p.engine, p.theirs), Appendable: p.theirs, Queryable: p.theirs, Context: p.t.Context(),
			Logger: promslog.NewNopLogger(), NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		},
	}), alerting
}

// ourQuery is how the daemon asks for its rules.
func (p *pair) ourQuery(ctx context.Context, expr string, at time.Time) (promql.Vector, error) {
	q, err := p.engine.NewInstantQuery(ctx, p.ours, nil, expr, at)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, res.Err
	}
	switch v := res.Value.(type) {
	case promql.Vector:
		return slices.Clone(v), nil
	case promql.Scalar:
		return promql.Vector{{T: v.T, F: v.V}}, nil
	}
	return nil, errors.New("not a vector or a scalar")
}

func TestRulesGoAsInPrometheus(t *testing.T) {
	p := newPair(t)
	group := spec()
	theirs, alerting := p.theirGroup(group)
	ours := alert.New(alert.Config{DB: p.ours, Now: time.Now, Query: p.ourQuery})
	ours.Set([]alert.Object{{Name: "f", Spec: rule.Spec{Groups: []rule.Group{group}}}}, begin())
	const length = 50 * time.Minute
	states := map[string]bool{}
	steps := 0
	trafficSteps(p, length, func(at time.Time) {
		if steps++; steps%3 != 1 {
			return
		}
		theirs.Eval(t.Context(), at)
		ours.Evaluate(t.Context(), at)
		want, got := theirAlerts(alerting), ourAlerts(ours)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s after the beginning (-Prometheus +shop):\n%s", at.Sub(begin()), d)
		}
		for _, line := range got {
			name, rest, _ := strings.Cut(line, " ")
			state, _, _ := strings.Cut(rest, " ")
			states[name+" "+state] = true
		}
	})
	for _, want := range []string{"Errors pending", "Errors firing", "Down pending", "Down firing", "Gone firing", "Noise firing", "Wait pending", "Wait firing"} {
		if !states[want] {
			t.Errorf("it never came to %s: it proves nothing", want)
		}
	}
	for _, expr := range []string{`ALERTS`, `ALERTS_FOR_STATE`, `service:errors:ratio1m`, `scalar`, `count({__name__!=""})`, `changes(ALERTS_FOR_STATE[10m])`} {
		p.compare(expr, length)
	}
	for i, r := range ours.Groups()[0] {
		their := theirs.Rules()[i]
		if (r.Err != nil) != (their.LastError() != nil) || r.Health != string(their.Health()) {
			t.Errorf("%s%s: %s %v, Prometheus: %s %v", r.Record, r.Alert, r.Health, r.Err, their.Health(), their.LastError())
		}
	}
}

func line(name, state string, ls, annotations labels.Labels, value float64, active, fired time.Time) string {
	if fired.IsZero() {
		return fmt.Sprintf("%s %s %s %s %g %d", name, state, ls, annotations, value, active.UnixMilli())
	}
	return fmt.Sprintf("%s %s %s %s %g %d fired %d", name, state, ls, annotations, value, active.UnixMilli(), fired.UnixMilli())
}

func theirAlerts(alerting []*rules.AlertingRule) []string {
	all := []string{}
	for _, r := range alerting {
		for _, a := range r.ActiveAlerts() {
			if a.State != rules.StateInactive {
				all = append(all, line(r.Name(), a.State.String(), a.Labels, a.Annotations, a.Value, a.ActiveAt, a.FiredAt))
			}
		}
	}
	slices.Sort(all)
	return all
}

func ourAlerts(m *alert.Manager) []string {
	all := []string{}
	for _, a := range m.Alerts() {
		all = append(all, line(a.Rule, string(a.State), a.Labels, a.Annotations, a.Value, a.Active, a.Fired))
	}
	slices.Sort(all)
	return all
}

func TestTemplatesAreExpandedAsInPrometheus(t *testing.T) {
	ls := map[string]string{"service": "cart", "instance": "127.0.0.1:80", "number": "1234.5", "words": "the error budget"}
	for _, text := range []string{
		"plain", "{{ $value }}", "{{ $labels.service }} {{ .Labels.service }}{{ $labels.missing }}", "{{ $value | humanize }}", "{{ humanize1024 $value }}",
		"{{ $value | humanizePercentage }}", "{{ $value | humanizeDuration }}", "{{ $value | humanizeTimestamp }}", "{{ $labels.number | humanize }}",
		`{{ printf "%.2f of %s" $value $labels.service }}`, `{{ $value | printf "%5.1f" }}`, "{{ $labels.words | title }} {{ $labels.service | toUpper | toLower }}",
		"{{ $labels.instance | stripPort }}", "a {{- $value -}} b", "{{ (printf \"%d\" 5) }}", "{{/* c */}}x", `{{ "a\"}}" }}` + "{{ `b` }}", "{{ 1.5 | humanize }}", "{{ true }}",
	} {
		for _, v := range []float64{0, 1, -1, 0.1234, 0.00005, 1234567, 1e12, 1e21, 90061.5, -3725, math.NaN(), math.Inf(1), math.Inf(-1)} {
			ours, err := rule.ParseTemplate(text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				break
			}
			const variables = "{{$labels := .Labels}}{{$value := .Value}}"
			data := template.AlertTemplateData(ls, nil, "", promql.Sample{F: v})
			want, err := template.NewTemplateExpander(t.Context(), variables+text, "t", data, model.Time(0), nil, nil, nil).Expand()
			if err != nil {
				continue // it fails in both, if with other words
			}
			if got := ours.Expand(rule.Data{Labels: ls, Value: v}); got != want {
				t.Errorf("%s of %v: %q, Prometheus: %q", text, v, got, want)
			}
		}
	}
}
