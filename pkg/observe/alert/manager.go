package alert

import (
	"cmp"
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/promql"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
	"github.com/shopctl/shopctl/pkg/rule"
)

const (
	// maxHistory bounds the changes that are remembered.
	maxHistory = 500
	// maxAlerts bounds the alerts of one rule.
	maxAlerts = 1000
)

// Query evaluates an instant query.
type Query func(ctx context.Context, expr string, at time.Time) (promql.Vector, error)

// Config configures a Manager. Query, DB and Now are required.
type Config struct {
	Query Query
	DB    *tsdb.DB
	// Now measures how long an evaluation takes.
	Now func() time.Time
	// Changed is called for alerts that begin to fire or are resolved. May be nil.
	Changed func(Change)
}

// Manager evaluates the groups of all rule objects. It is safe for concurrent use.
type Manager struct {
	cfg Config

	// run is held while rules are evaluated or changed.
	run sync.Mutex

	mu      sync.Mutex
	groups  []*group
	history []Change
}

// Object is a PrometheusRule.
type Object struct {
	// Name is "namespace/name".
	Name string
	Spec rule.Spec
}

// New makes a Manager without rules.
func New(cfg Config) *Manager { return &Manager{cfg: cfg} }

// Set replaces the rules. Groups that stay as they were keep their alerts; the series of those that go are
// marked stale at that time.
func (m *Manager) Set(objects []Object, at time.Time) {
	m.run.Lock()
	defer m.run.Unlock()
	old := map[[2]string]*group{}
	for _, g := range m.groups {
		old[[2]string{g.object, g.spec.Name}] = g
	}
	var groups []*group
	for _, o := range objects {
		for _, spec := range o.Spec.Groups {
			key := [2]string{o.Name, spec.Name}
			if g := old[key]; g != nil && reflect.DeepEqual(g.spec, spec) {
				groups = append(groups, g)
				delete(old, key)
				continue
			}
			groups = append(groups, newGroup(o.Name, spec))
		}
	}
	for _, g := range old {
		if next := find(groups, g); next != nil {
			next.inherit(g)
			m.end(next.lost, at)
			next.lost = nil
			continue
		}
		g.end(m.cfg.DB, at)
		for _, r := range g.rules {
			m.end(slices.Collect(maps.Values(r.active)), at)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.groups = groups
}

// find is the group of the same object and name.
func find(groups []*group, g *group) *group {
	i := slices.IndexFunc(groups, func(o *group) bool { return o.object == g.object && o.spec.Name == g.spec.Name })
	if i < 0 {
		return nil
	}
	return groups[i]
}

// end notes that alerts are inactive whose rule is gone. They are not resolved: what they told of may go on.
func (m *Manager) end(alerts []*Alert, at time.Time) {
	for _, a := range alerts {
		if a.State == Firing || a.State == Pending {
			m.note(*a, Inactive, at)
		}
	}
}

// Evaluate evaluates the groups that are due at that time, one after the other.
func (m *Manager) Evaluate(ctx context.Context, at time.Time) {
	m.run.Lock()
	defer m.run.Unlock()
	for _, g := range m.groups {
		if !g.last.IsZero() && at.Sub(g.last) < g.interval-slack && at.After(g.last) {
			continue
		}
		m.evaluateGroup(ctx, g, at)
	}
}

func (m *Manager) evaluateGroup(ctx context.Context, g *group, at time.Time) {
	g.last = at
	for _, r := range g.rules {
		if ctx.Err() != nil {
			return
		}
		m.evaluate(ctx, r, at)
	}
}

// EvaluateLate evaluates the groups that no scrape came for in time, each at the time at which it was due; and the last one only of
// those times, if several have passed.
func (m *Manager) EvaluateLate(ctx context.Context, now time.Time) {
	m.run.Lock()
	defer m.run.Unlock()
	for _, g := range m.groups {
		if g.last.IsZero() {
			continue
		}
		if late := now.Add(-slack).Sub(g.last); late >= g.interval {
			m.evaluateGroup(ctx, g, g.last.Add(late/g.interval*g.interval))
		}
	}
}

// Late is when EvaluateLate next has a group to evaluate, if no scrape comes before; false if no group was evaluated yet.
func (m *Manager) Late() (at time.Time, ok bool) {
	m.run.Lock()
	defer m.run.Unlock()
	for _, g := range m.groups {
		if due := g.last.Add(g.interval + slack); !g.last.IsZero() && (!ok || due.Before(at)) {
			at, ok = due, true
		}
	}
	return at, ok
}

// slack is how much early a group may be evaluated, for its times are those of scrapes; and how long a scrape is waited for.
const slack = 500 * time.Millisecond

// Groups returns the state of all rules, by group in order.
func (m *Manager) Groups() [][]RuleStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all [][]RuleStatus
	for _, g := range m.groups {
		var rules []RuleStatus
		for _, r := range g.rules {
			rules = append(rules, r.status())
		}
		all = append(all, rules)
	}
	return all
}

// Alerts returns what is pending or firing: the firing first, then by name and labels.
func (m *Manager) Alerts() []Alert {
	var all []Alert
	for _, g := range m.Groups() {
		for _, r := range g {
			all = append(all, r.Alerts...)
		}
	}
	slices.SortStableFunc(all, func(a, b Alert) int {
		return cmp.Or(cmp.Compare(string(a.State), string(b.State)), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Labels.String(), b.Labels.String()))
	})
	return all
}

// History returns the changes of state, newest first.
func (m *Manager) History() []Change {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.history)
	slices.Reverse(out)
	return out
}

// note records a change and reports it.
func (m *Manager) note(a Alert, state State, at time.Time) {
	c := Change{
		Time: at, Alert: a.Rule, Labels: a.Labels, State: state, Value: a.Value,
		Summary: cmp.Or(a.Annotations.Get("summary"), a.Annotations.Get("description")),
	}
	m.mu.Lock()
	m.history = append(m.history, c)
	if len(m.history) > maxHistory {
		m.history = slices.Clone(m.history[len(m.history)-maxHistory:])
	}
	m.mu.Unlock()
	if ended := state == Resolved || state == Inactive && a.State == Firing; m.cfg.Changed != nil && (state == Firing || ended) {
		m.cfg.Changed(c)
	}
}
