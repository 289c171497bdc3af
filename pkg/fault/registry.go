package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// ErrClosed is returned by Inject after Close.
var ErrClosed = errors.New("inject fault: the shop is going down")

// Config is what a registry needs to know of the shop. All but Changed are required.
type Config struct {
	Now func() time.Time
	// Find returns the workload that a name stands for, Names the names there are, for suggestions.
	Find  func(service string) (Target, bool)
	Names func() []string
	// Signaller crashes and pauses.
	Signaller Signaller
	// Changed is told of every fault after it began or ended, one at a time and in order. It may read
	// the registry, but not change it.
	Changed func(Change)
}

// Change is a fault that began or ended.
type Change struct {
	Fault Fault
	Kind  Kind
}

// Kind tells what happened to a fault.
type Kind string

// The ways a fault changes.
const (
	Injected Kind = "injected"
	Cleared  Kind = "cleared"
	Expired  Kind = "expired"
)

// Registry holds what is broken. It is safe for concurrent use.
type Registry struct {
	cfg Config
	// change is held while something begins or ends, so that effects and notifications keep their order;
	// mu only while active is read or written, so that readers never wait for a signal.
	change sync.Mutex
	mu     sync.Mutex
	active []Fault // in the order of injection
	serial int
	closed bool

	wake chan struct{} // the earliest end may have changed
	stop context.CancelFunc
	done chan struct{}
}

// NewRegistry returns a registry in which nothing is broken. Close ends it.
func NewRegistry(cfg Config) *Registry {
	ctx, stop := context.WithCancel(context.Background())
	r := &Registry{cfg: cfg, wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	go r.expire(ctx)
	return r
}

// Inject breaks what the spec says and returns the fault. It replaces a fault of the same owner that
// does the same to the same method. A crash without a delay is over when Inject returns and is never listed.
// The error is an *Invalid if the spec is at fault.
func (r *Registry) Inject(spec Spec) (Fault, error) {
	target, ok := r.cfg.Find(spec.Service)
	if !ok {
		return Fault{}, r.unknown(spec.Service)
	}
	f, err := spec.Fault(target)
	if err != nil {
		return Fault{}, err
	}
	r.change.Lock()
	defer r.change.Unlock()
	if r.isClosed() {
		return Fault{}, ErrClosed
	}
	f.Injected = r.cfg.Now()
	switch {
	case spec.For > 0:
		f.Ends = f.Injected.Add(spec.For)
	case f.Crash && f.Delay > 0:
		f.Ends = f.Injected.Add(f.Delay)
	}
	if err := f.effect().begin(r.cfg.Signaller, f); err != nil {
		return Fault{}, err
	}
	f = r.add(f)
	r.notify(Change{f, Injected})
	r.rearm()
	return f, nil
}

func (r *Registry) unknown(service string) error {
	names := r.cfg.Names()
	hint := "use one of " + strings.Join(names, ", ")
	if name := suggest.Match(service, names); name != "" {
		hint = "did you mean " + name + "?"
	}
	return &Invalid{Text: fmt.Sprintf("unknown service %q", service), Hint: hint}
}

func (r *Registry) add(f Fault) Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serial++
	f.ID = fmt.Sprintf("f%d", r.serial)
	if f.Crash && f.Delay == 0 {
		return f
	}
	r.active = slices.DeleteFunc(slices.Clone(r.active), f.replaces)
	r.active = append(r.active, f)
	return f
}

func (r *Registry) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

func (r *Registry) notify(c Change) {
	if r.cfg.Changed != nil {
		r.cfg.Changed(c)
	}
}

// List returns what is broken now, in the order of injection.
func (r *Registry) List() []Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.active)
}

// ForWorkload returns what the instances of a workload are to inject into the calls that they receive.
// It is never nil: an empty list takes back what they were told before.
func (r *Registry) ForWorkload(workload string) []lifeline.Fault {
	rules := []lifeline.Fault{}
	for _, f := range r.List() {
		if rule, ok := f.rule(); ok && f.Workload == workload {
			rules = append(rules, rule)
		}
	}
	return rules
}

// Phrases says what is broken in a workload, one phrase a fault; nil if nothing is. What is broken in one of
// its modules begins with that.
func (r *Registry) Phrases(workload string) []string {
	var phrases []string
	now := r.cfg.Now()
	for _, f := range r.List() {
		switch {
		case f.Workload == workload && f.Module != "":
			phrases = append(phrases, f.Service+": "+f.Phrase(now))
		case f.Workload == workload:
			phrases = append(phrases, f.Phrase(now))
		}
	}
	return phrases
}

// ModulePhrases says what is broken in one module of a workload.
func (r *Registry) ModulePhrases(workload, module string) []string {
	var phrases []string
	now := r.cfg.Now()
	for _, f := range r.List() {
		if f.Workload == workload && f.Module == module {
			phrases = append(phrases, f.Phrase(now))
		}
	}
	return phrases
}

// Paused reports whether the instances of a workload are to stand still, those that start from now on
// included.
func (r *Registry) Paused(workload string) bool {
	return slices.ContainsFunc(r.List(), func(f Fault) bool { return f.Pause && f.Workload == workload })
}
