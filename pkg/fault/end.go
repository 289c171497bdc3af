package fault

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Selection says which faults to clear: those of any of the services or with any of the ids, or all
// if neither is given; of these only the owner's, if there is one.
type Selection struct {
	Services []string
	IDs      []string
	Owner    string
}

// Clear ends the selected faults and returns them. The error is an *Invalid if a service is unknown,
// and then nothing is cleared. A service that has no fault is no error.
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
		picked := all || targets[place{f.Workload, f.Module}] || targets[place{f.Workload, ""}] || slices.Contains(sel.IDs, f.ID)
		return picked && (sel.Owner == "" || f.Owner == sel.Owner)
	})
}

// place is a workload, or one module of it.
type place struct{ workload, module string }

// broken finds a service that is gone but whose faults are still there to be cleared.
func (r *Registry) broken(service string, targets map[place]bool) bool {
	found := false
	for _, f := range r.List() {
		if f.Service == service || f.Workload == service {
			targets[place{f.Workload, f.Module}], found = true, true
		}
	}
	return found
}

// end takes the picked faults out, undoes what they did and tells of it. A process that is gone needs
// no undoing, so a failure to undo never keeps a fault alive; it is returned. The caller holds change.
func (r *Registry) end(kind Kind, pick func(Fault) bool) ([]Fault, error) {
	r.mu.Lock()
	var ended, kept []Fault
	for _, f := range r.active {
		if pick(f) {
			ended = append(ended, f)
		} else {
			kept = append(kept, f)
		}
	}
	r.active = kept
	r.mu.Unlock()

	var errs []error
	for _, f := range ended {
		// Two pauses on one workload end with the later of them.
		if !f.Pause || !r.Paused(f.Workload) {
			errs = append(errs, f.effect().end(r.cfg.Signaller, f, kind))
		}
		r.notify(Change{f, kind})
	}
	if len(ended) > 0 {
		r.rearm()
	}
	return ended, errors.Join(errs...)
}

// expire ends faults whose time is up. It is the registry's one goroutine.
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
			// Nobody waits for this error, and the fault is over in any case.
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

// Close ends every fault and the registry. It returns when nothing is broken any more.
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
