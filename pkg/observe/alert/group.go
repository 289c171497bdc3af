package alert

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
	"github.com/shopctl/shopctl/pkg/rule"
)

// Names of the series and labels that Prometheus gives alerts.
const (
	alertsMetric   = "ALERTS"
	forStateMetric = "ALERTS_FOR_STATE"
	alertName      = "alertname"
	alertState     = "alertstate"
)

// group is a group of rules with its state.
type group struct {
	object   string
	spec     rule.Group
	interval time.Duration
	rules    []*evaluated
	last     time.Time
	// lost are the alerts of rules that a change of the group took away.
	lost []*Alert
}

// evaluated is one rule with its state. The Manager's run guards its use; what status shows is changed under
// the Manager's mu as well.
type evaluated struct {
	group       *group
	rule        rule.Rule
	expr        string
	hold, keep  time.Duration
	offset      time.Duration
	limit       int
	labels      map[string]string
	templates   map[string]*rule.Template
	annotations map[string]*rule.Template
	active      map[uint64]*Alert
	// before are the series of the last evaluation, by their labels as text.
	before map[string]labels.Labels

	err  error
	last time.Time
	took time.Duration
}

func newGroup(object string, spec rule.Group) *group {
	g := &group{object: object, spec: spec, interval: rule.Duration(spec.Interval, rule.DefaultInterval)}
	for _, r := range spec.Rules {
		e := &evaluated{
			group: g, rule: r, expr: r.Expr.String(), hold: rule.Duration(r.For, 0), keep: rule.Duration(r.KeepFiringFor, 0),
			offset: rule.Duration(spec.QueryOffset, 0), labels: map[string]string{},
			templates: map[string]*rule.Template{}, annotations: map[string]*rule.Template{},
			active: map[uint64]*Alert{}, before: map[string]labels.Labels{},
		}
		if spec.Limit != nil {
			e.limit = *spec.Limit
		}
		maps.Copy(e.labels, spec.Labels)
		maps.Copy(e.labels, r.Labels)
		e.parse()
		g.rules = append(g.rules, e)
	}
	return g
}

// parse reads the templates, which were checked when the object was stored.
func (e *evaluated) parse() {
	for texts, into := range map[*map[string]string]map[string]*rule.Template{&e.labels: e.templates, &e.rule.Annotations: e.annotations} {
		for name, text := range *texts {
			t, err := rule.ParseTemplate(text)
			if err != nil {
				t, _ = rule.ParseTemplate("<error expanding template>")
			}
			into[name] = t
		}
	}
}

// inherit takes over the state of the rules of an older form of the group that have the same name and
// labels, as Prometheus does when it reloads.
func (g *group) inherit(old *group) {
	key := func(e *evaluated) string {
		return e.rule.Record + "\x00" + e.rule.Alert + "\x00" + fmt.Sprint(sortedPairs(e.labels))
	}
	left := map[string][]*evaluated{}
	for _, e := range old.rules {
		left[key(e)] = append(left[key(e)], e)
	}
	for _, e := range g.rules {
		if same := left[key(e)]; len(same) > 0 {
			e.active, e.before = same[0].active, same[0].before
			left[key(e)] = same[1:]
		}
	}
	for _, rest := range left {
		for _, e := range rest {
			g.lost = append(g.lost, slices.Collect(maps.Values(e.active))...)
			// What these rules yielded is marked stale by the group's first rule.
			if len(g.rules) > 0 {
				for k, ls := range e.before {
					if _, ok := g.rules[0].before[k]; !ok {
						g.rules[0].before[k] = ls
					}
				}
			}
		}
	}
}

func sortedPairs(m map[string]string) []string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		pairs = append(pairs, k+"="+m[k])
	}
	return pairs
}

// end marks all series of the group stale.
func (g *group) end(db *tsdb.DB, at time.Time) {
	a := db.Appender()
	defer a.Close()
	for _, e := range g.rules {
		for _, ls := range e.before {
			_, _ = a.Append(0, ls, at.Add(-e.offset).UnixMilli(), tsdb.StaleNaN())
		}
	}
}

// evaluate evaluates one rule and stores what it yields.
func (m *Manager) evaluate(ctx context.Context, e *evaluated, at time.Time) {
	begin := m.cfg.Now()
	res, err := m.cfg.Query(ctx, e.expr, at.Add(-e.offset))
	var out promql.Vector
	var changes []func()
	m.mu.Lock()
	if err == nil {
		if e.rule.Record != "" {
			out, err = e.record(res)
		} else {
			out, changes, err = m.alert(e, res, at)
		}
	}
	e.err, e.last, e.took = err, at, m.cfg.Now().Sub(begin)
	m.mu.Unlock()
	for _, change := range changes {
		change()
	}
	if err == nil {
		e.store(m.cfg.DB, out, at.Add(-e.offset).UnixMilli())
	}
}

// store appends what a rule yields, and marks what it does not yield any more.
func (e *evaluated) store(db *tsdb.DB, out promql.Vector, at int64) {
	now := make(map[string]labels.Labels, len(out))
	a := db.Appender()
	defer a.Close()
	for _, s := range out {
		if _, err := a.Append(0, s.Metric, at, s.F); err == nil {
			now[s.Metric.String()] = s.Metric
		}
	}
	for text, ls := range e.before {
		if _, ok := now[text]; !ok {
			_, _ = a.Append(0, ls, at, tsdb.StaleNaN())
		}
	}
	e.before = now
}

var errDuplicate = errors.New("two series of the result have the same labels after the rule's labels are applied")

// record gives the result the rule's name and labels.
func (e *evaluated) record(res promql.Vector) (promql.Vector, error) {
	out := make(promql.Vector, len(res))
	for i, s := range res {
		b := labels.NewBuilder(s.Metric).Set(model.MetricNameLabel, e.rule.Record)
		for name, v := range e.labels {
			b.Set(name, v)
		}
		out[i] = promql.Sample{T: s.T, F: s.F, Metric: b.Labels()}
	}
	if out.ContainsSameLabelset() {
		return nil, errDuplicate
	}
	if e.limit > 0 && len(out) > e.limit {
		return nil, fmt.Errorf("the rule yields %d series, over its limit of %d", len(out), e.limit)
	}
	return out, nil
}

func (e *evaluated) status() RuleStatus {
	s := RuleStatus{
		Object: e.group.object, Group: e.group.spec.Name, Record: e.rule.Record, Alert: e.rule.Alert, Expr: e.expr,
		For: e.hold, Keep: e.keep, Interval: e.group.interval, Labels: e.labels, Annotations: e.rule.Annotations,
		State: Inactive, Health: "unknown", Err: e.err, Last: e.last, Took: e.took,
	}
	if !e.last.IsZero() {
		if s.Health = "ok"; e.err != nil {
			s.Health = "err"
		}
	}
	for _, a := range e.active {
		if a.State == Inactive {
			continue
		}
		if a.State == Firing || s.State == Inactive {
			s.State = a.State
		}
		s.Alerts = append(s.Alerts, *a)
	}
	slices.SortFunc(s.Alerts, func(a, b Alert) int { return strings.Compare(a.Labels.String(), b.Labels.String()) })
	return s
}
