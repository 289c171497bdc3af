package impact

import (
	"context"
	"slices"
	"sync"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/observe/spans"
	"github.com/shopctl/shopctl/pkg/trace"
)

const (
	// every is how often complete traces are read while a fault is active.
	every = time.Second
	// maxRequests bounds the requests that are kept, the newest, and maxRead the traces that are read at a time: of more,
	// equally spaced ones are.
	maxRequests, maxRead = 10_000, 500
)

// Traces are those of a shop.
type Traces interface {
	// Completed returns the traces that were completed after one time and until another.
	Completed(after, until time.Time) []trace.ID
	Trace(id trace.ID) (spans.Summary, []byte, bool)
}

// Config configures a tracker. All of it is required.
type Config struct {
	Traces Traces
	// Faults are the active ones.
	Faults func() []Fault
	Namer  Namer
	Now    func() time.Time
}

// Tracker keeps the requests since faults began. It is safe for concurrent use.
type Tracker struct {
	cfg Config

	mu       sync.Mutex
	read     time.Time // until when complete traces were read
	requests []kept    // in the order in which they were complete
}

type kept struct {
	id trace.ID
	Request
}

// New returns a tracker.
func New(cfg Config) *Tracker { return &Tracker{cfg: cfg} }

// Run reads traces while there are faults, until ctx ends. changed is closed when a fault begins or ends.
func (t *Tracker) Run(ctx context.Context, changed func() <-chan struct{}) {
	for ctx.Err() == nil {
		wake := changed()
		var next <-chan time.Time
		if t.update() {
			next = time.After(every)
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-next:
		}
	}
}

// Requests are the requests since a fault began, in the order in which they were complete.
func (t *Tracker) Requests(fault string) []Request {
	t.update()
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []Request
	for _, r := range t.requests {
		if _, ok := r.Of(fault); ok {
			list = append(list, r.Request)
		}
	}
	return list
}

// update reads what is complete by now, and reports whether there are faults.
func (t *Tracker) update() bool {
	faults := t.cfg.Faults()
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.cfg.Now()
	if len(faults) == 0 {
		t.requests, t.read = nil, now
		return false
	}
	began := slices.MinFunc(faults, func(a, b Fault) int { return a.Began.Compare(b.Began) }).Began
	if t.read.Before(began) {
		t.read = began
	}
	ids := t.cfg.Traces.Completed(t.read, now)
	t.read = now
	for i, id := range ids {
		// Each maxRead-th part of the list gives its first.
		if i == 0 || i*maxRead/max(len(ids), maxRead) != (i-1)*maxRead/max(len(ids), maxRead) {
			t.add(id, faults, now)
		}
	}
	if n := len(t.requests) - maxRequests; n > 0 {
		t.requests = slices.Delete(t.requests, 0, n)
	}
	return true
}

// add reads a trace, in place of what was read of it before it had more spans.
func (t *Tracker) add(id trace.ID, faults []Fault, now time.Time) {
	_, encoded, ok := t.cfg.Traces.Trace(id)
	if !ok {
		return
	}
	var data tracepb.TracesData
	if proto.Unmarshal(encoded, &data) != nil {
		return // nothing that is kept is unreadable
	}
	list, _ := trace.Spans(&data)
	t.requests = slices.DeleteFunc(t.requests, func(k kept) bool { return k.id == id })
	for _, whole := range trace.Assemble(list) {
		for _, r := range t.cfg.Namer.Requests(whole, faults, now) {
			if r.Kind != none {
				t.requests = append(t.requests, kept{id, r})
			}
		}
	}
}
