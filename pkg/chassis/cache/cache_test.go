package cache_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/chassis/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newCache[K comparable](ttl time.Duration) *cache.Cache[K, int] {
	return cache.New[K, int](cache.Config{TTL: ttl, FetchTimeout: time.Minute, Limit: 10, Now: time.Now})
}

func TestAValueIsFetchedOnceHoweverManyCallersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache[string](time.Second)
		var fetches atomic.Int64
		fetch := func(context.Context) (int, error) {
			time.Sleep(10 * time.Millisecond)
			return int(fetches.Add(1)), nil
		}
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if v, err := c.Get(t.Context(), "k", fetch); v != 1 || err != nil {
					t.Errorf("got %d, %v", v, err)
				}
			})
		}
		callers.Wait()
		time.Sleep(time.Second - 11*time.Millisecond) // the value's age counts from the beginning of its fetch
		if v, ok := c.Peek("k"); !ok || v != 1 {
			t.Errorf("after less than a second: %d, %v", v, ok)
		}
		time.Sleep(time.Millisecond)
		if _, ok := c.Peek("k"); ok {
			t.Error("an expired value is still returned")
		}
		if v, _ := c.Get(t.Context(), "k", fetch); v != 2 {
			t.Errorf("after a second: %d", v)
		}
	})
}

func TestSeparateMissesAreFetchedByEachOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hits, misses := 0, 0
		c := cache.New[string, int](cache.Config{TTL: time.Second, Limit: 10, Now: time.Now, Separate: true, Read: func(hit bool) {
			if hit {
				hits++
			} else {
				misses++
			}
		}})
		var fetches atomic.Int64
		fetch := func(context.Context) (int, error) {
			fetches.Add(1)
			time.Sleep(10 * time.Millisecond)
			return 7, nil
		}
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if v, err := c.Get(t.Context(), "k", fetch); v != 7 || err != nil {
					t.Errorf("got %d, %v", v, err)
				}
			})
			synctest.Wait() // Read is called by one at a time
		}
		callers.Wait()
		if v, err := c.Get(t.Context(), "k", fetch); v != 7 || err != nil {
			t.Errorf("afterwards %d, %v", v, err)
		}
		if got := fetches.Load(); got != 20 || hits != 1 || misses != 20 {
			t.Errorf("%d fetches, %d hits, %d misses", got, hits, misses)
		}
	})
}

func TestTheFirstCallerMayLeaveAndTheOthersGetTheValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache[string](time.Second)
		first, leave := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		callers.Go(func() {
			_, err := c.Get(first, "k", func(ctx context.Context) (int, error) {
				select {
				case <-ctx.Done():
					return 0, ctx.Err()
				case <-time.After(time.Second):
					return 7, nil
				}
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the first caller got %v", err)
			}
		})
		synctest.Wait()
		callers.Go(func() {
			if v, err := c.Get(t.Context(), "k", nil); v != 7 || err != nil {
				t.Errorf("got %d, %v", v, err)
			}
		})
		synctest.Wait()
		leave()
		callers.Wait()
	})
}

func TestAPanicReachesTheCallerAndIsNotKept(t *testing.T) {
	c := newCache[string](time.Minute)
	func() {
		defer func() {
			if recover() != "broken" {
				t.Error("the panic was lost")
			}
		}()
		_, _ = c.Get(t.Context(), "k", func(context.Context) (int, error) { panic("broken") })
	}()
	if v, err := c.Get(t.Context(), "k", func(context.Context) (int, error) { return 7, nil }); v != 7 || err != nil {
		t.Errorf("the next caller got %d, %v", v, err)
	}
}

func TestErrorsAreNotKeptAndValuesAreBounded(t *testing.T) {
	c := newCache[int](time.Hour)
	broken := errors.New("broken")
	if _, err := c.Get(t.Context(), 1, func(context.Context) (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	for i := range 100 {
		if v, err := c.Get(t.Context(), i, func(context.Context) (int, error) { return i, nil }); v != i || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
	}
	if c.Len() > 10 {
		t.Errorf("%d values are kept", c.Len())
	}
}

func TestKeysThatPrintAlikeAreNotMixedUp(t *testing.T) {
	type key struct{ a, b string }
	c := newCache[key](time.Hour)
	for i, k := range []key{{"x y", ""}, {"x", "y"}, {"x", "y "}} {
		if v, _ := c.Get(t.Context(), k, func(context.Context) (int, error) { return i, nil }); v != i {
			t.Errorf("%v got the value of another key, %d", k, v)
		}
	}
}

func TestWithoutATTLEveryGetFetches(t *testing.T) {
	c := newCache[string](0)
	for i := range 3 {
		if v, err := c.Get(t.Context(), "k", func(context.Context) (int, error) { return i, nil }); v != i || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
	}
	if _, ok := c.Peek("k"); ok || c.Len() != 0 {
		t.Error("a value was kept")
	}
}
