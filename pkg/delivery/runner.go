package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/istio"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// tick is how often canaries are judged.
const tick = 500 * time.Millisecond

// Requests are those that sidecars have seen; observe.Requests says what After does.
type Requests interface {
	After(seq uint64) ([]observe.Request, <-chan struct{})
}

// Config is what a Runner needs. All but Front is required.
type Config struct {
	Objects  orchestrator.Objects
	Observer orchestrator.Observer
	Requests Requests
	// InForce reports whether every sidecar has the objects that there are in force. It may wait until ctx ends.
	InForce func(ctx context.Context) bool
	// Join starts sidecars in a namespace, unless they run.
	Join func(ctx context.Context, namespace string) error
	// CheckImage is why a container with an image cannot run.
	CheckImage func(image string, command []string) error
	// Changed is called after objects were changed.
	Changed func()
	Event   func(Event)
	// Front is the Service whose calls come in by a gateway, which follows only VirtualServices that name it; the zero Key: none.
	Front orchestrator.Key
	Now   func() time.Time
	Log   *slog.Logger
}

// Runner drives the canaries of a shop. Its state is in the objects, but for the counts of the present steps.
type Runner struct {
	cfg Config

	mu      sync.Mutex // held while canaries are changed
	seq     uint64
	tallies map[resource.Key]*tally
}

// NewRunner returns a runner; Run drives it.
func NewRunner(cfg Config) *Runner { return &Runner{cfg: cfg, tallies: map[resource.Key]*tally{}} }

// Run drives the canaries until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	changed := r.cfg.Objects.Watch(ctx, resource.KindVirtualService)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		var more <-chan struct{}
		var ticks <-chan time.Time
		if r.pass(ctx) {
			more, ticks = r.collect(), ticker.C
		}
	waiting:
		for {
			select {
			case <-ctx.Done():
				return
			case _, ok := <-changed:
				if !ok {
					return
				}
				break waiting
			case <-ticks:
				break waiting
			case <-more:
				more = r.collect()
			}
		}
	}
}

// collect counts new requests, and returns a channel that is closed when there are more.
func (r *Runner) collect() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests, more := r.cfg.Requests.After(r.seq)
	if len(requests) == 0 {
		return more
	}
	r.seq = requests[len(requests)-1].Sequence
	for key, vs := range r.services() {
		t := r.tallies[key]
		c, err := of(vs)
		if t == nil || err != nil {
			continue
		}
		check, object, rules := c.check(), objectPath(key.Namespace, key.Name), ruleNames(c.weighted(vs))
		for _, request := range requests {
			t.add(&c, check, object, rules, request)
		}
	}
	return more
}

// check is the check of a canary that Decode has read.
func (p Plan) check() Check {
	check, _ := ParseCheck(p.Check) // Decode has tried
	return check
}

// services are the VirtualServices that hold a canary.
func (r *Runner) services() map[resource.Key]*istio.VirtualService {
	all := map[resource.Key]*istio.VirtualService{}
	for _, vs := range store.All[*istio.VirtualService](r.cfg.Objects.Snapshot(), "") {
		if vs.Annotations[Annotation] != "" {
			all[resource.KeyOf(vs)] = vs
		}
	}
	return all
}

// of reads the canary of a VirtualService.
func of(vs *istio.VirtualService) (Canary, error) { return Decode(vs.Annotations[Annotation]) }

// pass takes each canary as far as it can go now, and reports whether one is under way. In a shop that goes down they stay as they
// are, for the next daemon: that no instance is ready says nothing of a release then.
func (r *Runner) pass(ctx context.Context) (active bool) {
	r.collect()
	snap, _ := r.cfg.Observer.Snapshot()
	if snap.GoingDown {
		return false
	}
	services := r.services()
	for key, vs := range services {
		c, err := of(vs)
		if err != nil || c.Over() || c.Phase == Paused {
			continue
		}
		active = true
		o, err := r.observe(ctx, snap, key, vs, c)
		if err == nil {
			err = r.advance(ctx, key, c, o)
		}
		if err != nil && ctx.Err() == nil {
			r.cfg.Log.Warn("canary", "service", c.Service, "error", err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.tallies, func(key resource.Key, _ *tally) bool { return services[key] == nil })
	return active
}

// advance changes a canary as an observation asks.
func (r *Runner) advance(ctx context.Context, key resource.Key, c Canary, o Observation) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.cfg.Now()
	next := c.Next(now, o)
	if c.Phase == Running && r.tallies[key] == nil { // another daemon began the step: what it has counted is gone
		next = c.enter(Starting, "", now)
	}
	if next.at(c) {
		return nil
	}
	err := r.change(ctx, key, func(present Canary) (Canary, error) {
		if !present.at(c) {
			return present, errSteered
		}
		return next, nil
	})
	if errors.Is(err, errSteered) {
		return nil // the next observation is of what it is now
	}
	return err
}

// errSteered is why an observation changes nothing: it was of the canary before a verb.
var errSteered = errors.New("it was steered meanwhile")

// observe is what is seen of a canary now. A new release that is to be made from an image is made when the routes are in force,
// so that no call gets to it before.
func (r *Runner) observe(
	ctx context.Context, snap orchestrator.Snapshot, key resource.Key, vs *istio.VirtualService, c Canary,
) (Observation, error) {
	o := Observation{Foreign: c.foreign(vs), Ready: ready(snap, key.Namespace, c)}
	if c.Phase == Running {
		r.mu.Lock()
		defer r.mu.Unlock()
		if t := r.tallies[key]; t != nil {
			o.Findings = t.findings(c, c.check())
		}
		return o, nil
	}
	limited, cancel := context.WithTimeout(ctx, tick)
	defer cancel()
	o.InForce = r.cfg.InForce(limited)
	if o.InForce && c.Image != "" {
		made, err := r.makeRelease(ctx, key.Namespace, c.Plan)
		o.InForce = !made && err == nil
		return o, err
	}
	return o, nil
}

// ready counts the instances of the new release that may be called.
func ready(snap orchestrator.Snapshot, namespace string, c Canary) int {
	pods := map[string]bool{}
	for _, e := range snap.Endpoints {
		if e.Service == (orchestrator.Key{Namespace: namespace, Name: c.Host}) && e.Labels[versionLabel] == c.To && e.Serving() {
			pods[e.Pod] = true
		}
	}
	return len(pods)
}

// ErrNone is the error about a service that has no canary.
var ErrNone = errors.New("it has no canary")

// change changes the canary of a VirtualService, and its weights with it, in one edit. r.mu is held.
func (r *Runner) change(ctx context.Context, key resource.Key, change func(Canary) (Canary, error)) error {
	var before, after Canary
	var refused error
	_, err := r.cfg.Objects.EditObjects(ctx, []resource.Key{key}, false, func(o resource.Object) error {
		vs, ok := o.(*istio.VirtualService)
		if !ok || vs.Annotations[Annotation] == "" {
			return ErrNone
		}
		var err error
		if before, err = of(vs); err != nil {
			return err
		}
		if after, refused = change(before); refused != nil {
			return refused
		}
		return after.write(vs)
	})
	if refused != nil {
		return refused
	}
	if err != nil {
		return fmt.Errorf("change the canary in %s: %w", key, err)
	}
	r.cfg.Changed()
	delete(r.tallies, key)
	if after.Phase == Running {
		r.tallies[key] = &tally{since: after.Since}
	}
	r.cfg.Event(told(before, after))
	return nil
}

// write puts a canary and its weights into its VirtualService. A paused one leaves the weights as they are.
func (c Canary) write(vs *istio.VirtualService) error {
	if c.Phase != Paused {
		if err := c.setWeights(vs, c.Weight()); err != nil {
			return err
		}
	}
	text, err := c.Encode()
	if err != nil {
		return err
	}
	annotations := maps.Clone(vs.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[Annotation] = text
	vs.Annotations = annotations
	return nil
}

// State is a canary with what is measured in its present step, or was in its last.
type State struct {
	Canary
	Key resource.Key
}

// List returns the canaries of all services, by their VirtualServices.
func (r *Runner) List() []State {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []State
	for _, vs := range store.All[*istio.VirtualService](r.cfg.Objects.Snapshot(), "") {
		c, err := of(vs)
		if err != nil {
			continue
		}
		key := resource.KeyOf(vs)
		if t := r.tallies[key]; t != nil && c.Phase == Running {
			c.Findings = t.findings(c, c.check())
		}
		all = append(all, State{c, key})
	}
	return all
}

// Steer changes the canary of a Service by one of the verbs: Canary.Pause and so on. The error is ErrNone, or wraps it, if the Service has none.
func (r *Runner) Steer(ctx context.Context, namespace, host string, verb func(Canary, time.Time) (Canary, error)) (State, error) {
	for _, s := range r.List() {
		if s.Host != host || s.Key.Namespace != namespace {
			continue
		}
		r.mu.Lock()
		err := r.change(ctx, s.Key, func(c Canary) (Canary, error) { return verb(c, r.cfg.Now()) })
		r.mu.Unlock()
		if err != nil {
			return State{}, err
		}
		for _, after := range r.List() {
			if after.Key == s.Key {
				return after, nil
			}
		}
	}
	return State{}, ErrNone
}
