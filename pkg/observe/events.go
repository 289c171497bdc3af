package observe

import (
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// maxEvents bounds the events that are kept.
const maxEvents = 2000

// Events is a bounded log of what happened. It is safe for concurrent use.
type Events struct {
	now func() time.Time

	mu      sync.Mutex
	ring    []*controlpb.Event // oldest first
	seq     uint64
	changed chan struct{}
}

// NewEvents returns an empty log.
func NewEvents(now func() time.Time) *Events {
	return &Events{now: now, changed: make(chan struct{})}
}

// Add appends an event and gives it its number, and the time if it has none. The event must not be
// changed afterwards.
func (e *Events) Add(ev *controlpb.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	ev.Sequence = e.seq
	if ev.Time == nil {
		ev.Time = timestamppb.New(e.now())
	}
	if len(e.ring) == maxEvents {
		e.ring = append(e.ring[:0:0], e.ring[maxEvents/4:]...)
	}
	e.ring = append(e.ring, ev)
	close(e.changed)
	e.changed = make(chan struct{})
}

// After returns the events whose number is higher than seq, oldest first, and a channel that is
// closed when there are more.
func (e *Events) After(seq uint64) ([]*controlpb.Event, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := len(e.ring)
	for i > 0 && e.ring[i-1].GetSequence() > seq {
		i--
	}
	return append([]*controlpb.Event(nil), e.ring[i:]...), e.changed
}

// Knows tells whether anything is kept of a service.
func (e *Events) Knows(service string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.ring, func(ev *controlpb.Event) bool { return ev.GetService() == service })
}
