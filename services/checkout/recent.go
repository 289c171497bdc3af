package checkout

import (
	"sync"
	"time"
)

// recent keeps answers for a short while: what many orders ask for at the same time is asked for once.
// Errors are not kept. It holds at most limit answers; a new one beyond that drops all others.
type recent[K comparable, V any] struct {
	ttl   time.Duration
	limit int
	now   func() time.Time

	mu      sync.Mutex
	answers map[K]answer[V]
}

type answer[V any] struct {
	value V
	until time.Time
}

func newRecent[K comparable, V any](ttl time.Duration, limit int, now func() time.Time) *recent[K, V] {
	return &recent[K, V]{ttl: ttl, limit: limit, now: now, answers: map[K]answer[V]{}}
}

// get returns the answer for key if it is not too old, else what ask says.
func (r *recent[K, V]) get(key K, ask func() (V, error)) (V, error) {
	if r.ttl <= 0 {
		return ask()
	}
	r.mu.Lock()
	known, ok := r.answers[key]
	r.mu.Unlock()
	// The age counts from before the question: an answer is never older than it seems.
	now := r.now()
	if ok && now.Before(known.until) {
		return known.value, nil
	}
	value, err := ask()
	if err != nil {
		return value, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.answers[key]; !known && len(r.answers) >= r.limit {
		clear(r.answers)
	}
	r.answers[key] = answer[V]{value: value, until: now.Add(r.ttl)}
	return value, nil
}
