// Package cache keeps values for a while. Concurrent misses of a key are one fetch, unless they are to be separate.
package cache

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Config configures a cache.
type Config struct {
	// TTL is how long a value is good for, from the moment when its fetch began; 0: every Get fetches.
	TTL time.Duration
	// FetchTimeout bounds a fetch, which goes on for the others when the caller that began it leaves.
	FetchTimeout time.Duration
	// Limit is the maximum number of values. Beyond it expired ones are dropped, and all if none has expired.
	Limit int
	Now   func() time.Time
	// Separate makes each of several concurrent misses of a key fetch for itself: what a cache without coalescing does to what
	// is behind it.
	Separate bool
	// Read, if set, is called by each Get, with whether the value was kept.
	Read func(hit bool)
}

// Cache keeps values. Errors are not kept: the next Get fetches again, so that a service that has recovered is seen
// at once.
type Cache[K comparable, V any] struct {
	config  Config
	fetches singleflight.Group

	mu     sync.Mutex
	values map[K]value[V]
}

type value[V any] struct {
	v       V
	expires time.Time
}

// New returns an empty cache.
func New[K comparable, V any](c Config) *Cache[K, V] {
	return &Cache[K, V]{config: c, values: map[K]value[V]{}}
}

// Peek returns the value of a key if it is kept.
func (c *Cache[K, V]) Peek(key K) (v V, ok bool) {
	now := c.config.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept, found := c.values[key]; found && now.Before(kept.expires) {
		return kept.v, true
	}
	return v, false
}

// Get returns the value of a key, fetched if it is not kept. It returns the error of the fetch, or the cause of ctx's
// end if that is earlier.
func (c *Cache[K, V]) Get(ctx context.Context, key K, fetch func(context.Context) (V, error)) (v V, err error) {
	if v, ok := c.Peek(key); ok {
		c.read(true)
		return v, nil
	}
	c.read(false)
	switch {
	case c.config.TTL <= 0:
		return fetch(ctx)
	case c.config.Separate:
		return c.fetchAndKeep(ctx, key, fetch)
	}
	// %#v quotes strings, so that no two keys have the same text.
	fetched := c.fetches.DoChan(fmt.Sprintf("%#v", key), func() (any, error) { return c.fetch(ctx, key, fetch) })
	select {
	case r := <-fetched:
		if p, ok := r.Err.(panicked); ok {
			panic(p.value)
		}
		v, _ = r.Val.(V)
		return v, r.Err
	case <-ctx.Done():
		return v, context.Cause(ctx)
	}
}

func (c *Cache[K, V]) read(hit bool) {
	if c.config.Read != nil {
		c.config.Read(hit)
	}
}

// panicked carries a panic from the goroutine of the fetch to the callers, whose server knows what to do with it.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprint("panic: ", p.value) }

func (c *Cache[K, V]) fetch(ctx context.Context, key K, fetch func(context.Context) (V, error)) (v V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked{p}
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.config.FetchTimeout)
	defer cancel()
	return c.fetchAndKeep(ctx, key, fetch)
}

func (c *Cache[K, V]) fetchAndKeep(ctx context.Context, key K, fetch func(context.Context) (V, error)) (V, error) {
	began := c.config.Now()
	v, err := fetch(ctx)
	if err == nil {
		c.keep(key, value[V]{v, began.Add(c.config.TTL)})
	}
	return v, err
}

func (c *Cache[K, V]) keep(key K, v value[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.values[key]; !known && len(c.values) >= c.config.Limit {
		c.shrinkLocked()
	}
	c.values[key] = v
}

func (c *Cache[K, V]) shrinkLocked() {
	now := c.config.Now()
	for key, v := range c.values {
		if !now.Before(v.expires) {
			delete(c.values, key)
		}
	}
	if len(c.values) >= c.config.Limit {
		clear(c.values)
	}
}

// Len returns how many values are kept, expired ones included.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.values)
}
