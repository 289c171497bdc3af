// Package cluster has the destinations of a sidecar: the hosts of each cluster, how one is picked for a request, how many
// connections and requests are let through at a time, and which hosts are left out for a while since they failed. It
// holds no connections.
package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"google.golang.org/protobuf/proto"
)

// ErrNoHealthyUpstream: a cluster has no host, or all of them are ejected. It is flag UH.
var ErrNoHealthyUpstream = errors.New("no healthy upstream")

// Events are what a set reports to its user. They are called one at a time and must not call the set. Nil ones are not called.
type Events struct {
	// Drain: no new request goes to a host, or only over connections that are secured otherwise: those it has are to be
	// drained.
	Drain func(*Host)
	// Ejected and Readmitted: a host is left out, and comes back.
	Ejected    func(*Host, Ejection)
	Readmitted func(*Host)
}

// Set is all clusters of a sidecar.
type Set struct {
	events Events

	mu       sync.Mutex // of Update and Close
	closed   bool
	clusters atomic.Pointer[map[string]*Cluster]
}

// NewSet returns a set without clusters.
func NewSet(events Events) *Set {
	s := &Set{events: events}
	s.clusters.Store(&map[string]*Cluster{})
	return s
}

// Update is Replace for a user that has no routes.
func (s *Set) Update(configs []*clusterv3.Cluster, assignments []*endpointv3.ClusterLoadAssignment) error {
	return s.Replace(configs, assignments, func() {})
}

// Replace replaces all clusters, and the routes to them by calling routes: the new clusters are there before, and the old ones
// until after, so that no route leads to a cluster that is not there. A cluster whose configuration did not change keeps its
// limits, and of its hosts those whose address stays keep what is known of them; one that changed starts again. After an error
// nothing has changed, and routes was not called.
func (s *Set) Replace(configs []*clusterv3.Cluster, assignments []*endpointv3.ClusterLoadAssignment, routes func()) error {
	endpoints := make(map[string]*endpointv3.ClusterLoadAssignment, len(assignments))
	for _, a := range assignments {
		endpoints[a.GetClusterName()] = a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("update clusters: the set is closed")
	}
	old := *s.clusters.Load()
	next := make(map[string]*Cluster, len(configs))
	updates := make([]update, 0, len(configs))
	for _, config := range configs {
		name := config.GetName()
		if next[name] != nil {
			return fmt.Errorf("cluster %q: it is there twice", name)
		}
		c := old[name]
		if c == nil || !proto.Equal(c.Config, config) {
			var err error
			if c, err = compile(config, &s.events); err != nil {
				return fmt.Errorf("cluster %q: %w", name, err)
			}
		}
		list, err := c.resolve(endpoints)
		if err != nil {
			return fmt.Errorf("cluster %q: %w", name, err)
		}
		next[name] = c
		updates = append(updates, update{c, list})
	}
	for _, u := range updates {
		u.cluster.setHosts(u.endpoints)
	}
	both := maps.Clone(old)
	maps.Copy(both, next)
	s.clusters.Store(&both)
	routes()
	s.clusters.Store(&next)
	for name, c := range old {
		if next[name] != c {
			c.close()
		}
	}
	return nil
}

type update struct {
	cluster   *Cluster
	endpoints []endpoint
}

// Get returns a cluster by its name; nil, which is flag NC, if there is none.
func (s *Set) Get(name string) *Cluster { return (*s.clusters.Load())[name] }

// All returns the clusters by name.
func (s *Set) All() []*Cluster {
	clusters := *s.clusters.Load()
	all := make([]*Cluster, 0, len(clusters))
	for _, c := range clusters {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *Cluster) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Close ends the set's timers, and drains all hosts.
func (s *Set) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, c := range *s.clusters.Load() {
		c.close()
	}
	s.clusters.Store(&map[string]*Cluster{})
}
