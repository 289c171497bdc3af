// Package idempotent runs an action once for each idempotency key, and gives repeated calls the result of the first.
package idempotent

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// ErrKeyReused is returned for a key that came before with another request.
var ErrKeyReused = errors.New("idempotency key was used before with another request")

// Group remembers the results of the latest keys, up to a limit. It lives in memory: it knows nothing of what other
// replicas did, or this one before it started, unless Remember adds it.
type Group[V any] struct {
	limit int
	seed  maphash.Seed

	mu      sync.Mutex
	entries map[string]*entry[V] // running or succeeded
	ring    []*entry[V]          // succeeded, the next to drop at oldest
	oldest  int
}

// entry is one action that runs, or has succeeded.
type entry[V any] struct {
	key         string
	fingerprint uint64
	done        chan struct{} // closed once the rest holds
	value       V
	failed      bool
}

// New returns a group that remembers limit keys.
func New[V any](limit int) *Group[V] {
	return &Group[V]{limit: limit, seed: maphash.MakeSeed(), entries: map[string]*entry[V]{}}
}

// Fingerprint distinguishes requests without keeping them: no card number stays in memory longer than its call. The
// seed is this group's own, so that nothing can be found by trying.
func (g *Group[V]) Fingerprint(request proto.Message) uint64 {
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return 0 // impossible: the request came over the wire
	}
	return maphash.Bytes(g.seed, wire)
}

// Do returns what f returned for the key; repeated reports that it was an earlier call's f. A call whose key is
// running waits for it. If f fails or panics, the key is free again, and a call that waits takes over. The
// fingerprint must be that of the first request under the key, or the error is ErrKeyReused.
//
// With an empty key, Do runs f.
func (g *Group[V]) Do(ctx context.Context, key string, fingerprint uint64, f func() (V, error)) (v V, repeated bool, err error) {
	if key == "" {
		v, err = f()
		return v, false, err
	}
	for {
		e, first := g.join(key, fingerprint)
		switch {
		case first:
			v, err = g.run(e, f)
			return v, false, err
		case e.fingerprint != fingerprint:
			return v, false, ErrKeyReused
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return v, false, status.FromContextError(ctx.Err()).Err()
		}
		if !e.failed {
			return e.value, true, nil
		}
	}
}

// join returns the entry of a key, and whether the caller is the one to run the action.
func (g *Group[V]) join(key string, fingerprint uint64) (e *entry[V], first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e, ok := g.entries[key]; ok {
		return e, false
	}
	e = &entry[V]{key: key, fingerprint: fingerprint, done: make(chan struct{}), failed: true}
	g.entries[key] = e
	return e, true
}

func (g *Group[V]) run(e *entry[V], f func() (V, error)) (v V, err error) {
	defer func() { // also when f panics
		g.mu.Lock()
		defer g.mu.Unlock()
		close(e.done)
		if e.failed {
			g.forgetLocked(e)
		} else {
			g.keepLocked(e)
		}
	}()
	v, err = f()
	e.value, e.failed = v, err != nil
	return v, err
}

// Remember adds keys whose action succeeded before, the oldest first.
func (g *Group[V]) Remember(v V, fingerprint uint64, keys ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, key := range keys {
		if _, known := g.entries[key]; !known {
			done := make(chan struct{})
			close(done)
			e := &entry[V]{key: key, fingerprint: fingerprint, done: done, value: v}
			g.entries[key] = e
			g.keepLocked(e)
		}
	}
}

// Forget frees a key whose result no longer holds.
func (g *Group[V]) Forget(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e, ok := g.entries[key]; ok {
		g.forgetLocked(e)
	}
}

// Len returns how many keys are running or remembered.
func (g *Group[V]) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.entries)
}

// keepLocked adds a succeeded entry to the ring, and drops the oldest beyond the limit.
func (g *Group[V]) keepLocked(e *entry[V]) {
	if len(g.ring) < g.limit {
		g.ring = append(g.ring, e)
		return
	}
	g.forgetLocked(g.ring[g.oldest])
	g.ring[g.oldest] = e
	g.oldest = (g.oldest + 1) % len(g.ring)
}

// forgetLocked removes an entry, unless its key belongs to a later one.
func (g *Group[V]) forgetLocked(e *entry[V]) {
	if g.entries[e.key] == e {
		delete(g.entries, e.key)
	}
}
