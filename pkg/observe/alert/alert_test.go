package alert

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/observe/query"
	"github.com/shopctl/shopctl/pkg/observe/tsdb"
	"github.com/shopctl/shopctl/pkg/rule"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig evaluates rules over the metric errors{service}, step by step.
type rig struct {
	*Manager
	t        *testing.T
	db       *tsdb.DB
	engine   *query.Engine
	now      time.Time
	reported []string
}

func newRig(t *testing.T, rules ...rule.Rule) *rig {
	t.Helper()
	r := &rig{t: t, db: tsdb.New(tsdb.Config{}), now: time.UnixMilli(1_000_000)}
	r.engine = query.New(r.db)
	t.Cleanup(func() { r.engine.Close() })
	r.Manager = New(Config{
		DB: r.db, Now: func() time.Time { return r.now },
		Changed: func(c Change) {
			r.reported = append(r.reported, fmt.Sprintf("%s %s", c.Labels.Get("service"), c.State))
		},
		Query: func(ctx context.Context, expr string, at time.Time) (out promql.Vector, err error) {
			err = r.engine.Instant(ctx, expr, at, func(a query.Result) error {
				v, ok := a.Value.(promql.Vector)
				if !ok {
					return errors.New("no vector")
				}
				out = append(out, v...)
				return nil
			})
			return out, err
		},
	})
	r.Set([]Object{{Name: "production/shop", Spec: rule.Spec{Groups: []rule.Group{{Name: "g", Interval: "10s", Rules: rules}}}}}, r.now)
	return r
}

// step lets ten seconds pass, in which the services have these values.
func (r *rig) step(values map[string]float64) {
	r.t.Helper()
	r.now = r.now.Add(10 * time.Second)
	a := r.db.Appender()
	for service, v := range values {
		if _, err := a.Append(0, labels.FromStrings(model.MetricNameLabel, "errors", "service", service), r.now.UnixMilli(), v); err != nil {
			r.t.Fatal(err)
		}
	}
	a.Close()
	r.Evaluate(r.t.Context(), r.now)
}

// ask is an instant query as text, times left out.
func (r *rig) ask(expr string) string {
	r.t.Helper()
	var lines []string
	err := r.engine.Instant(r.t.Context(), expr, r.now, func(a query.Result) error {
		for _, s := range a.Value.(promql.Vector) {
			lines = append(lines, fmt.Sprintf("%s %g", s.Metric, s.F))
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func (r *rig) states() string {
	var all []string
	for _, a := range r.Alerts() {
		all = append(all, a.Labels.Get("service")+" "+string(a.State))
	}
	return strings.Join(all, ", ")
}

func failing() rule.Rule {
	return rule.Rule{
		Alert: "Failing", Expr: intstr.FromString("errors > 0"), For: "20s", Labels: map[string]string{"severity": "{{ if_ }}"},
		Annotations: map[string]string{"summary": "{{ $labels.service }} has {{ $value }}"},
	}
}

func TestAnAlertIsPendingThenFiresThenIsResolved(t *testing.T) {
	r := newRig(t, failing())
	for i, c := range []struct {
		value float64
		want  string
	}{{0, ""}, {3, "cart pending"}, {3, "cart pending"}, {4, "cart firing"}, {4, "cart firing"}, {0, ""}, {5, "cart pending"}, {0, ""}} {
		r.step(map[string]float64{"cart": c.value})
		if got := r.states(); got != c.want {
			t.Errorf("step %d: %q, want %q", i, got, c.want)
		}
	}
	if got := fmt.Sprint(r.reported); got != "[cart firing cart resolved]" {
		t.Errorf("reported %s", got)
	}
	var states []string
	for _, c := range r.History() {
		states = append(states, string(c.State))
	}
	if got := strings.Join(states, " "); got != "inactive pending resolved firing pending" {
		t.Errorf("history %s", got)
	}
	if s := r.History()[3].Summary; s != "cart has 4" {
		t.Errorf("summary %q", s)
	}
}

func TestAlertsAreSeriesThatEndWhenTheyDo(t *testing.T) {
	r := newRig(t, failing())
	r.step(map[string]float64{"cart": 1, "ad": 0})
	if got := r.ask(`ALERTS{alertstate="pending"}`); !strings.Contains(got, `alertname="Failing"`) || !strings.Contains(got, `service="cart"`) || strings.Contains(got, "ad") {
		t.Errorf("while pending: %s", got)
	}
	if got := r.ask(`ALERTS_FOR_STATE`); !strings.HasSuffix(got, " 1010") {
		t.Errorf("since when: %s", got)
	}
	r.step(map[string]float64{"cart": 1})
	r.step(map[string]float64{"cart": 1})
	if got := r.ask(`count by (alertstate) (ALERTS)`); got != `{alertstate="firing"} 1` {
		t.Errorf("while firing: %s", got)
	}
	r.step(map[string]float64{"cart": 0})
	if got := r.ask(`{__name__=~"ALERTS.*"}`); got != "" {
		t.Errorf("afterwards: %s", got)
	}
}

func TestAnAlertKeepsFiringAsLongAsItSays(t *testing.T) {
	f := failing()
	f.For, f.KeepFiringFor = "", "20s"
	r := newRig(t, f)
	for i, c := range []struct {
		value float64
		want  string
	}{{1, "cart firing"}, {0, "cart firing"}, {0, "cart firing"}, {0, ""}} {
		r.step(map[string]float64{"cart": c.value})
		if got := r.states(); got != c.want {
			t.Errorf("step %d: %q, want %q", i, got, c.want)
		}
	}
}

func TestARecordingRuleWritesSeriesThatLaterRulesSee(t *testing.T) {
	r := newRig(t,
		rule.Rule{Record: "service:errors", Expr: intstr.FromString("errors * 2"), Labels: map[string]string{"a": "b"}},
		rule.Rule{Record: "all:errors", Expr: intstr.FromString("sum(service:errors)")},
	)
	r.step(map[string]float64{"cart": 1, "ad": 2})
	if got := r.ask("all:errors"); got != `{__name__="all:errors"} 6` {
		t.Errorf("got %s", got)
	}
	if got := r.ask(`service:errors{service="ad"}`); got != `{__name__="service:errors", a="b", service="ad"} 4` {
		t.Errorf("got %s", got)
	}
	r.Set(nil, r.now.Add(time.Second))
	r.now = r.now.Add(2 * time.Second)
	if got := r.ask(`{__name__=~".*:errors"}`); got != "" {
		t.Errorf("after the rules are gone: %s", got)
	}
}

func TestAGroupIsEvaluatedAtItsIntervalAlsoBetweenScrapes(t *testing.T) {
	r := newRig(t)
	r.Set([]Object{{Name: "a/b", Spec: rule.Spec{Groups: []rule.Group{
		{Name: "often", Interval: "2s", Rules: []rule.Rule{{Record: "at", Expr: intstr.FromString("vector(time())")}}},
		{Name: "seldom", Interval: "1m", Rules: []rule.Rule{{Record: "seldom", Expr: intstr.FromString("vector(time())")}}},
	}}}}, r.now)
	if at, ok := r.Late(); ok {
		t.Errorf("late at %v before the first scrape", at)
	}
	r.step(map[string]float64{"cart": 1})
	scraped := r.now
	for second := 1; second <= 15; second++ {
		r.now = scraped.Add(time.Duration(second) * time.Second)
		r.EvaluateLate(t.Context(), r.now)
	}
	if got := r.ask("count_over_time(at[14s])"); got != "{} 7" {
		t.Errorf("evaluations in 14 s: %s", got)
	}
	if got := r.ask("count_over_time(seldom[1m])"); got != "{} 1" {
		t.Errorf("evaluations of the other group: %s", got)
	}
	if at, ok := r.Late(); !ok || !at.Equal(scraped.Add(16*time.Second+slack)) {
		t.Errorf("next is late at %v %v, the scrape was at %v", at, ok, scraped)
	}
	r.now = scraped.Add(100 * time.Second) // as after a suspend: one evaluation, on the beat
	r.EvaluateLate(t.Context(), r.now)
	if got := r.ask("at - " + strconv.FormatInt(scraped.Unix(), 10)); got != "{} 98" {
		t.Errorf("after a pause at %s", got)
	}
}

func TestARuleThatFailsSaysWhy(t *testing.T) {
	limit := 1
	r := newRig(t)
	r.Set([]Object{{Name: "a/b", Spec: rule.Spec{Groups: []rule.Group{
		{Name: "limited", Limit: &limit, Rules: []rule.Rule{failing(), {Record: "c", Expr: intstr.FromString("errors")}}},
		{Name: "wrong", Rules: []rule.Rule{
			{Record: "a", Expr: intstr.FromString("errors * on() errors")},
			{Record: "b", Expr: intstr.FromString("errors"), Labels: map[string]string{"service": "same"}},
			{Alert: "d", Expr: intstr.FromString("errors"), Labels: map[string]string{"service": "same"}},
		}},
	}}}}, r.now)
	r.step(map[string]float64{"cart": 1, "ad": 1})
	for _, g := range r.Groups() {
		for _, s := range g {
			if s.Health != "err" || s.Err == nil {
				t.Errorf("%s%s: %s %v", s.Record, s.Alert, s.Health, s.Err)
			}
		}
	}
	if got := r.states(); got != "" {
		t.Errorf("alerts %s", got)
	}
}

func TestAGroupThatChangesKeepsTheAlertsOfRulesThatStay(t *testing.T) {
	other := rule.Rule{Alert: "Other", Expr: intstr.FromString("errors > 0")}
	r := newRig(t, failing(), other)
	for range 3 {
		r.step(map[string]float64{"cart": 1})
	}
	changed := failing()
	changed.Expr = intstr.FromString("errors > 0.5")
	r.Set([]Object{{Name: "production/shop", Spec: rule.Spec{Groups: []rule.Group{{Name: "g", Interval: "10s", Rules: []rule.Rule{changed}}}}}}, r.now)
	if got := r.History()[0]; got.Alert != "Other" || got.State != Inactive {
		t.Errorf("the alert of a rule that went: %+v", got)
	}
	r.step(map[string]float64{"cart": 1})
	if got := r.states(); got != "cart firing" {
		t.Errorf("states %s", got)
	}
	if got := r.ask(`ALERTS{alertname="Other"}`); got != "" {
		t.Errorf("the series of a rule that went: %s", got)
	}
}

func TestAGroupIsNotEvaluatedMoreOftenThanItSays(t *testing.T) {
	r := newRig(t, rule.Rule{Record: "n", Expr: intstr.FromString("vector(1)")})
	begin := r.now
	evaluations := 0
	for i := range 31 {
		r.now = begin.Add(time.Duration(i) * time.Second)
		r.Evaluate(t.Context(), r.now)
		if r.Groups()[0][0].Last.Equal(r.now) {
			evaluations++
		}
	}
	if evaluations != 4 {
		t.Errorf("%d evaluations in 30 seconds", evaluations)
	}
}
