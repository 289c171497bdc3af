package observe

import (
	"slices"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/broadcast"
)

// maxEvents bounds the events that are kept.
const maxEvents = 2000

// EventType is how serious an event is, in Kubernetes' words.
type EventType string

// The types of events.
const (
	Normal  EventType = "Normal"
	Warning EventType = "Warning"
)

// Event is something that happened in the shop.
type Event struct {
	// Sequence numbers events in order, from 1.
	Sequence uint64
	Time     time.Time
	Type     EventType
	// Reason is one CamelCase word, as in Kubernetes.
	Reason string
	// Service and Instance that it happened to; empty if it is about the whole shop.
	Service, Instance string
	Message           string
}

// Events is a bounded log of what happened. It is safe for concurrent use.
type Events struct {
	now     func() time.Time
	changed broadcast.Signal

	mu   sync.Mutex
	ring []Event // oldest first
	seq  uint64
}

// NewEvents returns an empty log.
func NewEvents(now func() time.Time) *Events { return &Events{now: now} }

// Add appends an event. It gets a number, and the time if it has none.
func (e *Events) Add(ev Event) {
	e.mu.Lock()
	e.seq++
	ev.Sequence = e.seq
	if ev.Time.IsZero() {
		ev.Time = e.now()
	}
	if len(e.ring) == maxEvents {
		e.ring = append(e.ring[:0:0], e.ring[maxEvents/4:]...)
	}
	e.ring = append(e.ring, ev)
	e.mu.Unlock()
	e.changed.Notify()
}

// After returns the events whose number is higher than seq, oldest first, and a channel that is closed when there are
// more.
func (e *Events) After(seq uint64) ([]Event, <-chan struct{}) {
	changed := e.changed.Wait() // before the events are read, or one in between would be missed
	e.mu.Lock()
	defer e.mu.Unlock()
	i := len(e.ring)
	for i > 0 && e.ring[i-1].Sequence > seq {
		i--
	}
	return slices.Clone(e.ring[i:]), changed
}

// Knows reports whether there are events of a service.
func (e *Events) Knows(service string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.ring, func(ev Event) bool { return ev.Service == service })
}
