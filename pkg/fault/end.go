package fault

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Selection selects the faults to clear: those of any of the services or with any of the ids, or all if neither is given;
// of these only the owner's, if there is one.
type Selection struct {
	Services []string
	IDs      []string
	Owner    string
}

// Clear ends the selected faults and returns them. The error is an *Invalid if a service is unknown,
// and then nothing is cleared. A service without a fault is not an error.
func (r *Registry) Clear(sel Selection) ([]Fault, error) {
	targets := map[place]bool{}
	for _, name := range sel.Services {
		target, ok := r.cfg.Find(name)
		switch {
		case ok:
			targets[place{target.Workload, target.Module}] = true
		case !r.broken(name, targets):
			return nil, r.unknown(name)
		}
	}
	r.change.Lock()
	defer r.change.Unlock()
	return r.end(Cleared, func(f Fault) bool {
		all := len(sel.Services) == 0 && len(sel.IDs) == 0
		picked := all || targets[place{f.Workload, f.Module}] || targets[place{f.Workload, ""}] || slices.Contains(sel.IDs, f.ID) ||
			f.Partition && targets[place{f.Caller, ""}]
		return picked && (sel.Owner == "" || f.Owner == sel.Owner)
	})
}

// place is a workload, or one module of it.
type place struct{ workload, module string }

// broken finds a service that no longer exists but still has faults.
func (r *Registry) broken(service string, targets map[place]bool) bool {
	found := false
	for _, f := range r.List() {
		if f.Service == service || f.Workload == service {
			targets[place{f.Workload, f.Module}], found = true, true
		}
	}
	return found
}

// end removes the picked faults, undoes and reports them. A process that is gone needs no undoing, so a failure to undo
// never keeps a fault alive; it is returned. The caller holds change.
func (r *Registry) end(kind Kind, pick func(Fault) bool) ([]Fault, error) {
	r.mu.Lock()
	var ended, kept []entry
	for _, e := range r.active {
		if pick(e.Fault) {
			ended = append(ended, e)
		} else {
			kept = append(kept, e)
		}
	}
	r.active = kept
	r.mu.Unlock()

	var errs []error
	var faults []Fault
	for _, e := range ended {
		errs = append(errs, e.owner.End(e.Fault, kind, of(e.owner, e.Workload, kept)))
		r.notify(Change{e.Fault, kind})
		faults = append(faults, e.Fault)
	}
	if len(ended) > 0 {
		r.rearm()
	}
	return faults, errors.Join(errs...)
}

// expire ends faults that expire. It is the registry's one goroutine.
func (r *Registry) expire(ctx context.Context) {
	defer close(r.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if next, ok := r.next(); ok {
			timer.Reset(max(0, next.Sub(r.cfg.Now())))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
			r.change.Lock()
			now := r.cfg.Now()
			// The error has no receiver, and the fault is over in any case.
			_, _ = r.end(Expired, func(f Fault) bool { return !f.Ends.IsZero() && !f.Ends.After(now) })
			r.change.Unlock()
		}
	}
}

// next is the earliest end of a fault.
func (r *Registry) next() (time.Time, bool) {
	var next time.Time
	for _, f := range r.List() {
		if !f.Ends.IsZero() && (next.IsZero() || f.Ends.Before(next)) {
			next = f.Ends
		}
	}
	return next, !next.IsZero()
}

func (r *Registry) rearm() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Close ends every fault and the registry. It returns when all faults are undone.
func (r *Registry) Close() error {
	r.stop()
	<-r.done
	r.change.Lock()
	defer r.change.Unlock()
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	_, err := r.end(Cleared, func(Fault) bool { return true })
	return err
}
