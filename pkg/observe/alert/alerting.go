package alert

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/shopctl/shopctl/pkg/rule"
)

// retention is how long a resolved alert stays known, as in Prometheus.
const retention = 15 * time.Minute

// alert brings the alerts of a rule up to date with a result, and returns their series and
// what to note once the lock is released. The Manager's lock is held.
func (m *Manager) alert(e *evaluated, res promql.Vector, at time.Time) (out promql.Vector, changes []func(), err error) {
	found, err := e.found(res, at)
	if err != nil {
		return nil, nil, err
	}
	note := func(a *Alert, state State) {
		was := *a
		changes = append(changes, func() { m.note(was, state, at) })
	}
	for hash, a := range found {
		if old, ok := e.active[hash]; ok && old.State != Inactive {
			old.Value, old.Annotations = a.Value, a.Annotations
			continue
		}
		e.active[hash] = a
		if e.hold > 0 {
			note(a, Pending)
		}
	}
	active := 0
	for hash, a := range e.active {
		if _, ok := found[hash]; ok {
			a.keepSince = time.Time{}
		} else if !e.keeps(a, at) {
			if a.State == Pending || !a.ResolvedAt.IsZero() && at.Sub(a.ResolvedAt) > retention {
				delete(e.active, hash)
			}
			switch a.State {
			case Pending:
				note(a, Inactive)
			case Firing:
				note(a, Resolved)
			}
			if a.State != Inactive {
				a.State, a.ResolvedAt = Inactive, at
			}
			continue
		}
		active++
		if a.State == Pending && at.Sub(a.Active) >= e.hold {
			a.State, a.Fired = Firing, at
			note(a, Firing)
		}
		if a.State == Firing && at.Sub(a.Active) < e.hold {
			// The rule was changed to wait longer.
			a.State, a.Fired, a.keepSince = Pending, time.Time{}, time.Time{}
		}
		out = append(out, a.series(at.Add(-e.offset).UnixMilli())...)
	}
	if e.limit > 0 && active > e.limit {
		e.active = map[uint64]*Alert{}
		return nil, changes, fmt.Errorf("the rule has %d alerts, over its limit of %d", active, e.limit)
	}
	return out, changes, nil
}

// keeps reports whether an alert continues to fire although its expression no longer holds.
func (e *evaluated) keeps(a *Alert, at time.Time) bool {
	if a.State != Firing || e.keep <= 0 {
		return false
	}
	if a.keepSince.IsZero() {
		a.keepSince = at
	}
	return at.Sub(a.keepSince) < e.keep
}

// found makes an alert of each series of a result.
func (e *evaluated) found(res promql.Vector, at time.Time) (map[uint64]*Alert, error) {
	if len(res) > maxAlerts {
		return nil, fmt.Errorf("the rule has %d alerts, more than %d", len(res), maxAlerts)
	}
	found := make(map[uint64]*Alert, len(res))
	for _, s := range res {
		d := rule.Data{Labels: s.Metric.Map(), Value: s.F}
		b := labels.NewBuilder(s.Metric).Del(model.MetricNameLabel)
		for name, t := range e.templates {
			b.Set(name, t.Expand(d))
		}
		ls := b.Set(alertName, e.rule.Alert).Labels()
		annotations := make(map[string]string, len(e.annotations))
		for name, t := range e.annotations {
			annotations[name] = t.Expand(d)
		}
		hash := ls.Hash()
		if _, twice := found[hash]; twice {
			return nil, errDuplicate
		}
		found[hash] = &Alert{
			Rule: e.rule.Alert, Labels: ls, Annotations: labels.FromMap(annotations),
			State: Pending, Value: s.F, Active: at,
		}
	}
	return found, nil
}

// series are the samples that represent an alert.
func (a *Alert) series(at int64) promql.Vector {
	b := labels.NewBuilder(a.Labels)
	state := b.Set(model.MetricNameLabel, alertsMetric).Set(alertState, string(a.State)).Labels()
	b.Reset(a.Labels)
	since := b.Set(model.MetricNameLabel, forStateMetric).Labels()
	return promql.Vector{
		{T: at, F: 1, Metric: state},
		{T: at, F: float64(a.Active.Unix()), Metric: since},
	}
}
