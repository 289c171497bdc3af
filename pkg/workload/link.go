package workload

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// link tells one run of an instance what it should know. Only the newest state counts, so that an
// instance that does not read (a paused one) holds up nobody.
type link struct {
	inst Instance
	wake chan struct{}

	mu        sync.Mutex
	endpoints map[string][]string
	faults    []lifeline.Fault
	dirty     lifeline.Down
}

func newLink(inst Instance) *link {
	return &link{inst: inst, wake: make(chan struct{}, 1)}
}

// set makes the instance learn of what has changed since the last set.
func (l *link) set(endpoints map[string][]string, faults []lifeline.Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.endpoints == nil || !maps.EqualFunc(l.endpoints, endpoints, slices.Equal[[]string]) {
		l.endpoints = endpoints
		l.dirty.Endpoints = &endpoints
	}
	if l.faults == nil || !slices.Equal(l.faults, faults) {
		l.faults = faults
		l.dirty.Faults = &faults
	}
	if l.dirty.Endpoints == nil && l.dirty.Faults == nil {
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run sends until ctx ends.
func (l *link) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		l.mu.Lock()
		m := l.dirty
		l.dirty = lifeline.Down{}
		l.mu.Unlock()
		if m.Endpoints != nil || m.Faults != nil {
			l.send(m)
		}
	}
}

// send keeps for later what could not be sent, unless something newer has come. There will be a later
// time: an instance that did not read was paused, and everybody is told when a pause ends.
func (l *link) send(m lifeline.Down) {
	if l.inst.Send(m) == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dirty.Endpoints == nil {
		l.dirty.Endpoints = m.Endpoints
	}
	if l.dirty.Faults == nil {
		l.dirty.Faults = m.Faults
	}
}
