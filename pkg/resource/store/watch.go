package store

import (
	"context"
	"slices"
)

// watcher waits for changes of some kinds. Its channel holds at most the newest snapshot.
type watcher struct {
	kinds []string
	out   chan Snapshot
}

// Watch returns a channel that holds the newest snapshot whenever an object of one of the kinds (of any, if
// none is given) has changed since the last receive; the present one is there at once. A slow reader misses
// what lies between and nothing else, and never holds up the writer. The channel is closed when ctx ends.
func (s *Store) Watch(ctx context.Context, kinds ...string) <-chan Snapshot {
	w := &watcher{kinds: kinds, out: make(chan Snapshot, 1)}
	s.watch.Lock()
	w.out <- s.Snapshot()
	s.watchers[w] = struct{}{}
	s.watch.Unlock()
	context.AfterFunc(ctx, func() {
		s.watch.Lock()
		defer s.watch.Unlock()
		delete(s.watchers, w)
		close(w.out)
	})
	return w.out
}

// publish makes a state the current one and wakes the watchers of the changed kinds.
func (s *Store) publish(next *state, kinds map[string]bool) {
	s.watch.Lock()
	defer s.watch.Unlock()
	s.current.Store(next)
	for w := range s.watchers {
		if len(w.kinds) > 0 && !slices.ContainsFunc(w.kinds, func(k string) bool { return kinds[k] }) {
			continue
		}
		select {
		case <-w.out: // an older snapshot that was not received
		default:
		}
		w.out <- Snapshot{next}
	}
}
