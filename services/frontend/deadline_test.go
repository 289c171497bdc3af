package frontend

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// In a bubble of simulated time every call takes exactly one hop, so that the time a page takes is the
// number of calls that wait for each other.
func TestPagesAreAtMostThreeCallsDeep(t *testing.T) {
	const hop = 10 * time.Millisecond
	for path, depth := range map[string]time.Duration{"/": 2, "/product/6E92ZMYYFZ": 2, "/search?q=kitchen": 2, "/cart": 3} {
		synctest.Test(t, func(t *testing.T) {
			s := open(t)
			b := s.visitor(t)
			b.add("OLJCESPC7Z", "2")
			b.add("1YMWWN1N4O", "1")
			b.submit("/setCurrency", url.Values{"currency_code": {"EUR"}})
			s.advance(time.Hour) // nothing is remembered
			s.Latency = hop
			start := time.Now()
			b.contains(b.get(path, http.StatusOK), "€")
			if took := time.Since(start); took > depth*hop {
				t.Errorf("%s is %d calls deep, want %d", path, took/hop, depth)
			}
		})
	}
}

func TestTheFirstPageIsThreeCallsInDollarsAndAnySecondVisitInEuros(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	b.get("/", http.StatusOK)
	s.Calls()
	b.get("/", http.StatusOK)
	if calls := s.Calls(); len(calls) != 3 {
		t.Errorf("in dollars: calls %v", calls)
	}
	b.submit("/setCurrency", url.Values{"currency_code": {"EUR"}})
	s.Calls()
	b.get("/", http.StatusOK)
	if calls := s.Calls(); len(calls) != 3+8 { // two of the nine cost the same
		t.Errorf("in euros: %d calls %v", len(calls), calls)
	}
	b.get("/", http.StatusOK)
	if calls := s.Calls(); len(calls) != 3 {
		t.Errorf("in euros again: calls %v", calls)
	}
}

func TestANeighbourThatHangsNeverHangsThePage(t *testing.T) {
	for _, c := range []struct {
		hangs, path string
		within      time.Duration
		code        int
	}{
		{"AdService", "/", adsPatience, 200},
		{"CartService", "/", badgePatience, 200},
		{"CartService", "/cart", pagePatience, 504},
		{"CurrencyService", "/", 2 * pricePatience, 200},
		{"RecommendationService", "/product/6E92ZMYYFZ", recsPatience, 200},
		{"RecommendationService", "/cart", recsPatience, 200},
		{"ShippingService", "/cart", pricePatience, 200},
		{"ProductCatalogService", "/", pagePatience, 504},
		{"ProductCatalogService", "/product/6E92ZMYYFZ", pagePatience, 504},
		{"Service", "/", pagePatience + pricePatience, 504},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := open(t)
			b := s.visitor(t)
			b.add("OLJCESPC7Z", "2")
			b.submit("/setCurrency", url.Values{"currency_code": {"EUR"}})
			s.advance(time.Hour)
			s.Hang(c.hangs)
			start := time.Now()
			b.get(c.path, c.code)
			if took := time.Since(start); took > c.within {
				t.Errorf("%s hangs: %s took %v, want at most %v", c.hangs, c.path, took, c.within)
			}
		})
	}
}

func TestAnOrderThatHangsEndsAndCanBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		b := s.visitor(t)
		b.add("OLJCESPC7Z", "2")
		s.Hang("CheckoutService")
		form := goodOrder()
		form.Set("order_token", "the-token")
		b.contains(b.post("/cart/checkout", form, http.StatusGatewayTimeout), "checkout service takes too long", "never charges or orders twice", "/cart?retry=the-token")
	})
}

func TestAnAnswerIsAskedForOnceHoweverManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemo[string, int](time.Now, time.Second, time.Minute, 10)
		var asked atomic.Int64
		ask := func(context.Context) (int, error) {
			time.Sleep(10 * time.Millisecond)
			return int(asked.Add(1)), nil
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if v, err := m.get(t.Context(), "k", ask); v != 1 || err != nil {
					t.Errorf("got %d, %v", v, err)
				}
			})
		}
		wg.Wait()
		time.Sleep(time.Second)
		if _, ok := m.peek("k"); ok {
			t.Error("an old answer is still known")
		}
		if v, _ := m.get(t.Context(), "k", ask); v != 2 {
			t.Errorf("after a second: %d", v)
		}
	})
}

func TestWhoAsksFirstMayLeaveAndTheOthersGetTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemo[string, int](time.Now, time.Second, time.Minute, 10)
		first, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = m.get(first, "k", func(ctx context.Context) (int, error) {
				select {
				case <-ctx.Done():
					return 0, ctx.Err()
				case <-time.After(time.Second):
					return 7, nil
				}
			})
		})
		synctest.Wait()
		wg.Go(func() {
			if v, err := m.get(t.Context(), "k", nil); v != 7 || err != nil {
				t.Errorf("got %d, %v", v, err)
			}
		})
		synctest.Wait()
		leave()
		wg.Wait()
	})
}

func TestAPanicWhileAskingLeavesNobodyWaiting(t *testing.T) {
	m := newMemo[string, int](time.Now, time.Minute, time.Minute, 10)
	func() {
		defer func() { _ = recover() }()
		_, _ = m.get(t.Context(), "k", func(context.Context) (int, error) { panic("broken") })
	}()
	if v, err := m.get(t.Context(), "k", func(context.Context) (int, error) { return 7, nil }); v != 7 || err != nil {
		t.Errorf("the next one got %d, %v", v, err)
	}
}

func TestErrorsAreNotRememberedAndTheMemoryIsBounded(t *testing.T) {
	m := newMemo[int, int](time.Now, time.Hour, time.Minute, 10)
	broken := errors.New("broken")
	if _, err := m.get(t.Context(), 1, func(context.Context) (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	for i := range 100 {
		if v, err := m.get(t.Context(), i, func(context.Context) (int, error) { return i, nil }); v != i || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
	}
	if len(m.entries) > 10 {
		t.Errorf("%d entries", len(m.entries))
	}
}
