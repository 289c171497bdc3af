package daemon

import (
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/observe/impact"
	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

const (
	// baselineTime is how much of the time before a fault is kept to compare with; baselineLeast how much
	// of it makes a comparison, and settle how long the end of an earlier fault is still felt.
	baselineTime  = time.Minute
	baselineLeast = 5 * time.Second
	settle        = 3 * time.Second
)

// calls are who calls whom, and how that went before something was broken.
type calls struct {
	*servicegraph.Graph

	mu        sync.Mutex
	baselines map[string]baseline // by fault
	last      servicegraph.Snapshot
	ended     time.Time // when the last fault ended
}

// baseline is how things went before a fault.
type baseline struct {
	fault  fault.Fault
	before servicegraph.Snapshot
}

func (s *shop) newCalls() *calls {
	c := &calls{baselines: map[string]baseline{}}
	n := s.namer()
	c.Graph = servicegraph.New(servicegraph.Config{Now: s.now, Name: n.Name, Resolve: n.Resolve})
	return c
}

// namer finds services by what their spans say.
func (s *shop) namer() impact.Namer {
	return impact.Namer{
		Name: func(service string) string {
			if key := orchestrator.ParseKey(service); key.Name != "" {
				return s.names.Display(key)
			}
			return s.names.Display(orchestrator.Key{Namespace: s.store.Namespace(), Name: service})
		},
		Resolve: func(peer string) string {
			snap, _ := s.state.Snapshot()
			return listener(s.names, snap.Workloads, peer)
		},
	}
}

// newImpact returns the tracker of what faults do to requests.
func (s *shop) newImpact() *impact.Tracker {
	return impact.New(impact.Config{Traces: s.spans, Namer: s.namer(), Now: s.now, Faults: func() (active []impact.Fault) {
		for _, f := range s.faults.List() {
			if !f.Once() {
				active = append(active, impact.Fault{
					ID: f.ID, Service: f.Service, Method: f.Method, Delay: f.Delay, Fails: f.Code != codes.OK, Paused: f.Pause || f.Elsewhere(), Began: f.Injected,
				})
			}
		}
		return active
	}})
}

// listener is the workload that listens at an address, or has the host name in it:
// "127.0.0.1:41000", "paymentservice.production.svc:50051".
func listener(d *names.Directory, all []orchestrator.Workload, peer string) string {
	for _, w := range all {
		if w.Address == peer && peer != "" {
			return d.Spans(w.Key)
		}
		for _, m := range names.Modules(w) {
			if m.Front.Address == peer && peer != "" {
				return m.Workload
			}
		}
	}
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		host = peer
	}
	if net.ParseIP(host) != nil {
		return ""
	}
	host, rest, _ := strings.Cut(host, ".")
	namespace, _, _ := strings.Cut(rest, ".")
	for _, w := range all {
		if w.Name == host && (w.Namespace == namespace || namespace == "" && w.Namespace == d.Namespace) {
			return d.Spans(w.Key)
		}
	}
	return ""
}

// onFault keeps how things went before a fault that begins, and forgets it with the fault. A fault that
// takes the place of an active one is compared with the time before that.
func (c *calls) onFault(change fault.Change, active []fault.Fault, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if change.Kind != fault.Injected || change.Fault.Once() {
		c.ended = now
		delete(c.baselines, change.Fault.ID)
		return
	}
	before, replaced := servicegraph.Snapshot{}, false
	for id, b := range c.baselines {
		if slices.ContainsFunc(active, func(f fault.Fault) bool { return f.ID == id }) {
			continue
		}
		if b.fault.Workload == change.Fault.Workload && b.fault.Module == change.Fault.Module {
			before, replaced = b.before, true
		}
		delete(c.baselines, id)
	}
	if !replaced {
		before = c.before(now)
	}
	c.last = before
	c.baselines[change.Fault.ID] = baseline{change.Fault, before}
}

// before is the traffic of the last minute, without the after-effects of an earlier fault.
func (c *calls) before(now time.Time) servicegraph.Snapshot {
	from := now.Add(-baselineTime)
	if clean := c.ended.Add(settle); clean.After(from) {
		from = clean
	}
	if now.Sub(from) < baselineLeast && !c.last.To.IsZero() {
		return c.last
	}
	return c.Between(from, now.Truncate(time.Second).Add(-1))
}

// Baseline is the calls before a fault; empty if they were not measured.
func (c *calls) Baseline(id string) servicegraph.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.baselines[id].before
}
