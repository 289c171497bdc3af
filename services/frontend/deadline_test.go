package frontend

import (
	"net/http"
	"net/url"
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

func TestTheFirstPageMakesAllItsCallsUnlessResponsesAreCached(t *testing.T) {
	const decoration = 3 // products, the cart, and ads
	for _, c := range []struct {
		name                           string
		ttls                           cacheTTLs
		dollars, euros, eurosOnceAgain int
	}{
		{"not cached", cacheTTLs{}, decoration + 1, decoration + 1 + 8, decoration + 1 + 8}, // two of the nine cost the same
		{"cached", cacheTTLs{prices: time.Second, currencies: time.Minute}, decoration, decoration + 8, decoration},
		{"cached, each fetch on its own", cacheTTLs{prices: time.Second, currencies: time.Minute, separate: true}, decoration, decoration + 8, decoration},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openWith(t, c.ttls)
			b := s.visitor(t)
			b.get("/", http.StatusOK)
			check := func(when string, want int) {
				t.Helper()
				s.Calls()
				b.get("/", http.StatusOK)
				if calls := s.Calls(); len(calls) != want {
					t.Errorf("%s: %d calls %v, want %d", when, len(calls), calls, want)
				}
			}
			check("in dollars", c.dollars)
			b.submit("/setCurrency", url.Values{"currency_code": {"EUR"}})
			check("in euros", c.euros)
			check("in euros once again", c.eurosOnceAgain)
			s.advance(time.Second)
			check("a second later", c.euros)
		})
	}
}

func TestADependencyThatHangsNeverHangsThePage(t *testing.T) {
	for _, c := range []struct {
		hangs, path string
		within      time.Duration
		code        int
	}{
		{"AdService", "/", adsTimeout, 200},
		{"CartService", "/", badgeTimeout, 200},
		{"CartService", "/cart", pageTimeout, 504},
		{"CurrencyService", "/", 2 * priceTimeout, 200},
		{"RecommendationService", "/product/6E92ZMYYFZ", recsTimeout, 200},
		{"RecommendationService", "/cart", recsTimeout, 200},
		{"ShippingService", "/cart", priceTimeout, 200},
		{"ProductCatalogService", "/", pageTimeout, 504},
		{"ProductCatalogService", "/product/6E92ZMYYFZ", pageTimeout, 504},
		{"Service", "/", pageTimeout + priceTimeout, 504},
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
