package frontend

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errUnanswered is what those get who waited for somebody whose asking ended in a panic.
var errUnanswered = errors.New("no answer")

// memo keeps answers for a short while and asks only once at a time for each key. Errors are not
// kept: the next caller asks again, so that a recovered neighbour is seen at once.
type memo[K comparable, V any] struct {
	now func() time.Time
	ttl time.Duration
	// patience bounds the asking, which goes on for the others when the first caller leaves.
	patience time.Duration
	// limit is the most entries; beyond it those out of date are dropped, and all if none is.
	limit int

	mu      sync.Mutex
	entries map[K]*memoEntry[V]
}

type memoEntry[V any] struct {
	ready   chan struct{} // closed when the rest is set
	value   V
	err     error
	expires time.Time
}

func newMemo[K comparable, V any](now func() time.Time, ttl, patience time.Duration, limit int) *memo[K, V] {
	return &memo[K, V]{now: now, ttl: ttl, patience: patience, limit: limit, entries: map[K]*memoEntry[V]{}}
}

// peek returns the answer if it is known.
func (m *memo[K, V]) peek(key K) (value V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, found := m.entries[key]; found && e.isReady() && e.err == nil && m.now().Before(e.expires) {
		return e.value, true
	}
	return value, false
}

// get returns the answer, asking for it unless it is known or somebody else is asking already.
func (m *memo[K, V]) get(ctx context.Context, key K, ask func(context.Context) (V, error)) (V, error) {
	m.mu.Lock()
	e, found := m.entries[key]
	if found && (!e.isReady() || (e.err == nil && m.now().Before(e.expires))) {
		m.mu.Unlock()
		select {
		case <-e.ready:
			return e.value, e.err
		case <-ctx.Done():
			var zero V
			return zero, context.Cause(ctx)
		}
	}
	e = &memoEntry[V]{ready: make(chan struct{}), err: errUnanswered}
	m.shrink()
	m.entries[key] = e
	m.mu.Unlock()

	defer close(e.ready) // also when ask panics; then the error is the one above
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.patience)
	defer cancel()
	e.value, e.err = ask(asking)
	e.expires = m.now().Add(m.ttl)
	return e.value, e.err
}

func (m *memo[K, V]) shrink() {
	if len(m.entries) < m.limit {
		return
	}
	now := m.now()
	for k, e := range m.entries {
		if e.isReady() && !now.Before(e.expires) {
			delete(m.entries, k)
		}
	}
	if len(m.entries) >= m.limit {
		clear(m.entries)
	}
}

func (e *memoEntry[V]) isReady() bool {
	select {
	case <-e.ready:
		return true
	default:
		return false
	}
}
