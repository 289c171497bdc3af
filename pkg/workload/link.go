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
	wire      []lifeline.WireFault
	pending   lifeline.Down
}

func newLink(to Sender) *link {
	return &link{to: to, wake: make(chan struct{}, 1)}
}

// set queues what has changed since the last set.
func (l *link) set(endpoints map[string][]string, faults []lifeline.Fault, wire []lifeline.WireFault) {
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
	if !slices.Equal(l.wire, wire) {
		l.wire = wire
		l.pending.Wire = &wire
	}
	if l.pending == (lifeline.Down{}) {
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run sends until ctx ends. A message to a container that does not read waits, and what changes meanwhile is sent as
// one message after it. A message that cannot be sent is for a container that has ended, or that has no lifeline.
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
		if m != (lifeline.Down{}) {
			_ = l.to.Send(m)
		}
	}
}
