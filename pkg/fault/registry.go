package fault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/suggest"
)

// ErrClosed is returned by Inject after Close.
var ErrClosed = errors.New("inject fault: the shop is shutting down")

// Config configures a registry. All but Changed are required.
type Config struct {
	Now func() time.Time
	// Find returns the workload with a name; Names are all names, for suggestions.
	Find  func(service string) (Target, bool)
	Names func() []string
	// Injectors cause the faults; the first that takes a spec owns the fault. They are compared with ==.
	Injectors []Injector
	// Changed is called after every fault that began or ended, one at a time and in order. It may read the registry,
	// but not change it.
	Changed func(Change)
}

// Change is a fault that began or ended.
type Change struct {
	Fault Fault
	Kind  Kind
}

// Kind is how a fault changed.
type Kind string

// The ways a fault changes.
const (
	Injected Kind = "injected"
	Cleared  Kind = "cleared"
	Expired  Kind = "expired"
)

// Registry holds the active faults. It is safe for concurrent use.
type Registry struct {
	cfg Config
	// change is held while a fault begins or ends, so that effects and notifications keep their order; mu only while
	// active is read or written, so that readers never wait for an injector.
	change sync.Mutex
	mu     sync.Mutex
	active []entry // in the order of injection
	serial int
	closed bool

	wake chan struct{} // the earliest end may have changed
	stop context.CancelFunc
	done chan struct{}
}

// entry is an active fault and the injector that it belongs to.
type entry struct {
	Fault
	owner Injector
}

// NewRegistry returns a registry without faults. Close ends it.
func NewRegistry(cfg Config) *Registry {
	ctx, stop := context.WithCancel(context.Background())
	r := &Registry{cfg: cfg, wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	go r.expire(ctx)
	return r
}

// Inject begins the fault that the spec asks for and returns it. It replaces a fault of the same owner that does the same
// to the same method. A crash without a delay is over when Inject returns and is never listed. The error is an *Invalid if
// the spec is at fault.
func (r *Registry) Inject(spec Spec) (Fault, error) {
	target, ok := r.cfg.Find(spec.Service)
	if !ok {
		return Fault{}, r.unknown(spec.Service)
	}
	if spec.From != "" {
		caller, ok := r.cfg.Find(spec.From)
		if !ok {
			return Fault{}, r.unknown(spec.From)
		}
		target.Caller = &caller
	}
	next, err := r.plan(spec, target)
	if err != nil {
		return Fault{}, err
	}
	r.change.Lock()
	defer r.change.Unlock()
	if r.isClosed() {
		return Fault{}, ErrClosed
	}
	r.serial++
	next.ID, next.Injected = fmt.Sprintf("f%d", r.serial), r.cfg.Now()
	switch {
	case spec.For > 0:
		next.Ends = next.Injected.Add(spec.For)
	case next.Once() && next.Delay > 0:
		next.Ends = next.Injected.Add(next.Delay)
	}
	if err := r.begin(next); err != nil {
		r.serial--
		return Fault{}, err
	}
	r.notify(Change{next.Fault, Injected})
	r.rearm()
	return next.Fault, nil
}

// plan finds the injector that a spec is for, and its fault.
func (r *Registry) plan(spec Spec, target Target) (entry, error) {
	if err := spec.check(); err != nil {
		return entry{}, err
	}
	var reason error
	for _, injector := range r.cfg.Injectors {
		f, taken, err := injector.Plan(spec, target)
		if taken {
			return entry{f, injector}, err
		}
		reason = cmp.Or(reason, err)
	}
	if reason == nil {
		reason = &Invalid{Text: fmt.Sprintf("faults of this kind cannot be injected into %s", target.Name), Hint: "shopctl fault inject --help"}
	}
	return entry{}, reason
}

// begin causes a fault and lists it, unless it is over at once. The caller holds change.
func (r *Registry) begin(next entry) error {
	active := append(r.without(next.replaces), next)
	if err := next.owner.Begin(next.Fault, of(next.owner, next.Workload, active)); err != nil {
		return err
	}
	if !next.instant() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.active = active
	}
	return nil
}

// without returns the active entries but those that drop picks.
func (r *Registry) without(drop func(Fault) bool) []entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.active), func(e entry) bool { return drop(e.Fault) })
}

func (r *Registry) unknown(service string) error {
	names := r.cfg.Names()
	hint := "use one of " + strings.Join(names, ", ")
	if name := suggest.Match(service, names); name != "" {
		hint = "did you mean " + name + "?"
	}
	return &Invalid{Text: fmt.Sprintf("unknown service %q", service), Hint: hint}
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

// List returns the active faults, in the order of injection.
func (r *Registry) List() []Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	faults := make([]Fault, len(r.active))
	for i, e := range r.active {
		faults[i] = e.Fault
	}
	return faults
}

// Phrases describes the faults in a workload, one phrase each; nil if there are none. Those in one of its modules begin
// with the module's name.
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

// ModulePhrases describes the faults in one module of a workload.
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
