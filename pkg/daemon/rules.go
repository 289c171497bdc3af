package daemon

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/promql"

	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/observe/alert"
	"github.com/shopctl/shopctl/pkg/observe/query"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/monitoring"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// shopRules are the rules that come with the shop.
//
//go:embed rules.yaml
var shopRules []byte

// openRules makes the evaluator of rules.
func (s *shop) openRules() {
	s.meters.passes = make(chan time.Time, 1)
	s.meters.rules = alert.New(alert.Config{DB: s.meters.db, Now: s.now, Changed: s.onAlert, Query: s.vector})
}

// vector evaluates the query of a rule.
func (s *shop) vector(ctx context.Context, expr string, at time.Time) (out promql.Vector, err error) {
	err = s.meters.query.Rule(ctx, expr, at, func(a query.Result) error {
		switch v := a.Value.(type) {
		case promql.Vector:
			out = append(promql.Vector(nil), v...)
		case promql.Scalar:
			out = promql.Vector{{T: v.T, F: v.V}}
		default:
			return fmt.Errorf("the expression yields a %s, not a vector or a scalar", v.Type())
		}
		return nil
	})
	return out, err
}

// scraped reports new samples. Rules are evaluated after that in a goroutine of their own: a slow one does not
// delay scrapes, and none is evaluated on older samples.
func (s *shop) scraped(at time.Time) {
	select {
	case s.meters.passes <- at:
	default: // the one before is not done
	}
}

// runRules evaluates rules after scrapes, or between them if these are rarer than a group's interval, and follows the objects that hold them, until ctx ends.
func (s *shop) runRules(ctx context.Context) {
	changes := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range s.store.Watch(ctx, resource.KindPrometheusRule) {
			select {
			case changes <- struct{}{}:
			default:
			}
		}
	}()
	s.readRules()
	settled := false
	late := time.NewTimer(0)
	defer late.Stop()
	for ctx.Err() == nil {
		if at, ok := s.meters.rules.Late(); ok {
			late.Reset(max(at.Sub(s.now()), time.Millisecond))
		} else {
			late.Stop()
		}
		select {
		case <-ctx.Done():
		case <-changes:
			s.readRules()
		case at := <-s.meters.passes:
			if settled = settled || s.settled(); settled {
				s.meters.rules.Evaluate(ctx, at)
			}
		case <-late.C:
			s.meters.rules.EvaluateLate(ctx, s.now())
		}
	}
	<-done
}

// comingUp is how long a shop may take to come up before what is missing is worth an alert.
const comingUp = 20 * time.Second

// settled reports whether the shop has come up, or should have.
func (s *shop) settled() bool {
	snap, _ := s.state.Snapshot()
	return snap.Ready || s.now().Sub(s.started) > comingUp
}

// readRules passes the rules of all objects to the evaluator.
func (s *shop) readRules() {
	var objects []alert.Object
	for _, o := range store.All[*monitoring.PrometheusRule](s.store.Snapshot(), "") {
		objects = append(objects, alert.Object{Name: o.Namespace + "/" + o.Name, Spec: o.Spec})
	}
	s.meters.rules.Set(objects, s.now())
}

// onAlert records an alert as an event.
func (s *shop) onAlert(c alert.Change) {
	kind, reason, verb := observe.Warning, "AlertFiring", "fires"
	switch c.State {
	case alert.Resolved:
		kind, reason, verb = observe.Normal, "AlertResolved", "is resolved"
	case alert.Inactive:
		kind, reason, verb = observe.Normal, "AlertInactive", "is inactive, since its rule is gone"
	}
	message := c.Alert + " " + verb
	if c.Summary != "" {
		message += ": " + c.Summary
	}
	s.events.Add(observe.Event{Type: kind, Reason: reason, Service: c.Labels.Get("service"), Message: message})
}
