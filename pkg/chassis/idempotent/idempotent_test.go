package idempotent_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/idempotent"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counter returns an action that returns how often it ran.
func counter() (f func() (int, error), runs *int) {
	runs = new(int)
	return func() (int, error) { *runs++; return *runs, nil }, runs
}

func TestARepeatedKeyReturnsTheFirstResult(t *testing.T) {
	g := idempotent.New[int](10)
	f, runs := counter()
	for i := range 3 {
		v, repeated, err := g.Do(t.Context(), "k", 1, f)
		if v != 1 || repeated != (i > 0) || err != nil {
			t.Errorf("call %d: %d, %v, %v", i, v, repeated, err)
		}
	}
	if v, repeated, err := g.Do(t.Context(), "", 1, f); v != 2 || repeated || err != nil || *runs != 2 {
		t.Errorf("without a key: %d, %v, %v", v, repeated, err)
	}
}

func TestAKeyWithAnotherRequestIsRefused(t *testing.T) {
	g := idempotent.New[int](10)
	f, _ := counter()
	fingerprint := g.Fingerprint(&hipstershop.GetProductRequest{Id: "a"})
	if _, _, err := g.Do(t.Context(), "k", fingerprint, f); err != nil {
		t.Fatal(err)
	}
	if _, repeated, err := g.Do(t.Context(), "k", g.Fingerprint(&hipstershop.GetProductRequest{Id: "a"}), f); !repeated || err != nil {
		t.Errorf("the same request: %v, %v", repeated, err)
	}
	if _, _, err := g.Do(t.Context(), "k", g.Fingerprint(&hipstershop.GetProductRequest{Id: "b"}), f); !errors.Is(err, idempotent.ErrKeyReused) {
		t.Errorf("another request: %v", err)
	}
}

func TestConcurrentCallsRunTheActionOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := idempotent.New[int](10)
		f, runs := counter()
		release := make(chan struct{})
		var calls sync.WaitGroup
		for range 20 {
			calls.Go(func() {
				if v, _, err := g.Do(t.Context(), "k", 1, func() (int, error) { <-release; return f() }); v != 1 || err != nil {
					t.Errorf("%d, %v", v, err)
				}
			})
		}
		synctest.Wait()
		close(release)
		calls.Wait()
		if *runs != 1 {
			t.Errorf("%d runs", *runs)
		}
	})
}

func TestAWaitingCallTakesOverWhenTheFirstFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := idempotent.New[int](10)
		release := make(chan struct{})
		var calls sync.WaitGroup
		calls.Go(func() {
			if _, _, err := g.Do(t.Context(), "k", 1, func() (int, error) { <-release; return 0, errors.New("broken") }); err == nil {
				t.Error("the first call did not fail")
			}
		})
		synctest.Wait()
		calls.Go(func() {
			if v, repeated, err := g.Do(t.Context(), "k", 1, func() (int, error) { return 7, nil }); v != 7 || repeated || err != nil {
				t.Errorf("the second call: %d, %v, %v", v, repeated, err)
			}
		})
		synctest.Wait()
		close(release)
		calls.Wait()
	})
}

func TestAWaitingCallEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := idempotent.New[int](10)
		release := make(chan struct{})
		var calls sync.WaitGroup
		calls.Go(func() { _, _, _ = g.Do(t.Context(), "k", 1, func() (int, error) { <-release; return 1, nil }) })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := g.Do(ctx, "k", 1, nil); status.Code(err) != codes.Canceled {
			t.Errorf("got %v", err)
		}
		close(release)
		calls.Wait()
	})
}

func TestAPanicFreesTheKey(t *testing.T) {
	g := idempotent.New[int](10)
	func() {
		defer func() { _ = recover() }()
		_, _, _ = g.Do(t.Context(), "k", 1, func() (int, error) { panic("broken") })
	}()
	if v, repeated, err := g.Do(t.Context(), "k", 1, func() (int, error) { return 7, nil }); v != 7 || repeated || err != nil {
		t.Errorf("%d, %v, %v", v, repeated, err)
	}
}

func TestTheOldestKeysAreDroppedAndAForgottenOneIsFree(t *testing.T) {
	g := idempotent.New[int](2)
	repeated := func(key string) bool {
		t.Helper()
		_, repeated, err := g.Do(t.Context(), key, 0, func() (int, error) { return 1, nil })
		if err != nil {
			t.Fatal(err)
		}
		return repeated
	}
	g.Remember(1, 0, "a", "b", "b", "c")
	if !repeated("b") || !repeated("c") || g.Len() != 2 {
		t.Errorf("b and c are not remembered, or more is: %d", g.Len())
	}
	g.Forget("b")
	if repeated("b") || !repeated("b") {
		t.Error("b was not free after Forget, or not remembered afterwards")
	}
	// The ring still holds the forgotten b; dropping that must not drop the later one.
	if repeated("d") || !repeated("b") {
		t.Error("b was dropped with its forgotten entry")
	}
}
