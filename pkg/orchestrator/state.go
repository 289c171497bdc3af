package orchestrator

import (
	"maps"
	"slices"
	"sync"

	"github.com/shopctl/shopctl/pkg/broadcast"
)

// State holds the newest snapshot of a shop. An orchestrator publishes into it, and everything that needs to know the
// shop reads from it, so that readers can be made before the orchestrator is. The zero value is an empty shop.
type State struct {
	mu       sync.Mutex
	snapshot Snapshot
	changed  broadcast.Signal
}

// Snapshot implements Observer.
func (s *State) Snapshot() (Snapshot, <-chan struct{}) {
	changed := s.changed.Wait() // before the snapshot is read, or a change in between would be missed
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot, changed
}

// Publish replaces the snapshot, and wakes its readers if it differs from the one before.
func (s *State) Publish(next Snapshot) {
	s.mu.Lock()
	same := s.snapshot.Equal(next)
	if !same {
		s.snapshot = next
	}
	s.mu.Unlock()
	if !same {
		s.changed.Notify()
	}
}

// Equal reports whether two snapshots describe the same state.
func (s Snapshot) Equal(o Snapshot) bool {
	return s.Storefront == o.Storefront && s.Ready == o.Ready && s.GoingDown == o.GoingDown &&
		slices.Equal(s.Startup, o.Startup) && slices.EqualFunc(s.Endpoints, o.Endpoints, Endpoint.Equal) &&
		slices.EqualFunc(s.Workloads, o.Workloads, Workload.Equal)
}

// Equal reports whether two workloads are in the same state.
func (w Workload) Equal(o Workload) bool {
	return w.Key == o.Key && w.State == o.State && w.Message == o.Message && w.Image == o.Image && w.Builtin == o.Builtin &&
		slices.Equal(w.Versions, o.Versions) &&
		w.Service == o.Service && w.Address == o.Address && w.Protocol == o.Protocol &&
		slices.Equal(w.Fronts, o.Fronts) && slices.Equal(w.Ports, o.Ports) && slices.Equal(w.DependsOn, o.DependsOn) &&
		w.Replicas == o.Replicas && w.Ready == o.Ready && w.Available == o.Available && w.Updated == o.Updated &&
		w.Restarts == o.Restarts && w.Total == o.Total && w.ObservedGeneration == o.ObservedGeneration &&
		w.Complete == o.Complete && w.Late == o.Late && w.Since.Equal(o.Since) &&
		slices.EqualFunc(w.Instances, o.Instances, Instance.Equal)
}

// Equal reports whether two instances are in the same state.
func (i Instance) Equal(o Instance) bool {
	return i.Name == o.Name && i.Version == o.Version && i.State == o.State && i.Message == o.Message && i.Status == o.Status &&
		i.Addr == o.Addr && i.Restarts == o.Restarts && i.Started.Equal(o.Started) &&
		slices.EqualFunc(i.Containers, o.Containers, Container.Equal)
}

// Equal reports whether two containers are in the same state.
func (c Container) Equal(o Container) bool {
	return c.Name == o.Name && c.Image == o.Image && c.Kind == o.Kind && c.State == o.State && c.Message == o.Message &&
		c.ID == o.ID && c.Addr == o.Addr && c.Admin == o.Admin && c.Ready == o.Ready && c.Restarts == o.Restarts &&
		c.Started.Equal(o.Started) && maps.Equal(c.Listeners, o.Listeners) && c.Proxy.Equal(o.Proxy)
}
