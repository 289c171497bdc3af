package workload

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// link sends one run of a container what it should know. Only the newest state counts, so that a
// container that does not read (a paused one) holds up nothing.
type link struct {
	to   Sender
	wake chan struct{}

	mu        sync.Mutex
	endpoints map[string][]string
	faults    []lifeline.Fault
	pending   lifeline.Down
}

func newLink(to Sender) *link {
	return &link{to: to, wake: make(chan struct{}, 1)}
}

// set queues what has changed since the last set.
func (l *link) set(endpoints map[string][]string, faults []lifeline.Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.endpoints == nil || !maps.EqualFunc(l.endpoints, endpoints, slices.Equal[[]string]) {
		l.endpoints = endpoints
		l.pending.Endpoints = &endpoints
	}
	if l.faults == nil || !slices.Equal(l.faults, faults) {
		l.faults = faults
		l.pending.Faults = &faults
	}
	if l.pending.Endpoints == nil && l.pending.Faults == nil {
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
		m := l.pending
		l.pending = lifeline.Down{}
		l.mu.Unlock()
		if m.Endpoints != nil || m.Faults != nil {
			l.send(m)
		}
	}
}

// send keeps a message that could not be sent, unless there is a newer one. There will be a later
// time: a container that did not read was paused, and everything is sent again when a pause ends.
func (l *link) send(m lifeline.Down) {
	if l.to.Send(m) == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending.Endpoints == nil {
		l.pending.Endpoints = m.Endpoints
	}
	if l.pending.Faults == nil {
		l.pending.Faults = m.Faults
	}
}
