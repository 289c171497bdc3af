package frontend

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestTheSessionCookieCoversTheWholeSiteAndNoScriptReadsIt(t *testing.T) {
	b := open(t).visitor(t)
	resp := b.do(http.MethodGet, "/product/6E92ZMYYFZ", nil)
	cookies := resp.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies %v", cookies)
	}
	c := cookies[0]
	if c.Name != "shop_session-id" || c.Path != "/" || c.MaxAge != 172800 || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie %+v", c)
	}
	if again := b.do(http.MethodGet, "/", nil); len(again.Cookies()) != 0 {
		t.Errorf("a known visitor got cookies %v", again.Cookies())
	}
}

func TestAnInvalidSessionIDIsReplaced(t *testing.T) {
	b := open(t).visitor(t)
	for _, id := range []string{strings.Repeat("a", 65), "a b", "a/b"} {
		b.cookies = map[string]*http.Cookie{"c": {Name: cookieSession, Value: id, Path: "/", Quoted: strings.Contains(id, " ")}}
		if resp := b.do(http.MethodGet, "/", nil); len(resp.Cookies()) != 1 {
			t.Errorf("session %q was taken", id)
		}
	}
}

func TestProbesAndRobotsGetNoCookie(t *testing.T) {
	b := open(t).visitor(t)
	for path, want := range map[string]string{"/_healthz": "ok", "/robots.txt": "User-agent: *\nDisallow: /\n"} {
		resp := b.do(http.MethodGet, path, nil)
		body, _ := io.ReadAll(resp.Body)
		if string(body) != want || len(resp.Cookies()) != 0 {
			t.Errorf("%s: %q with cookies %v", path, body, resp.Cookies())
		}
	}
}

func TestLogoutForgetsTheVisitor(t *testing.T) {
	b := open(t).visitor(t)
	b.submit("/setCurrency", url.Values{"currency_code": {"EUR"}})
	resp := b.do(http.MethodGet, "/logout", nil)
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != "/" {
		t.Errorf("status %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	if len(b.cookies) != 0 {
		t.Errorf("still has %v", b.cookies)
	}
}

func TestAnotherSiteCannotLogAVisitorOut(t *testing.T) {
	b := open(t).visitor(t)
	b.do(http.MethodGet, "/", nil)
	before := len(b.cookies)
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 302, "none": 302} {
		b.header = http.Header{"Sec-Fetch-Site": {site}}
		resp := b.do(http.MethodGet, "/logout", nil)
		if resp.StatusCode != want {
			t.Errorf("a request from %s gets status %d, want %d", site, resp.StatusCode, want)
		}
		if left := len(b.cookies); want == 403 && left != before {
			t.Errorf("a request from %s leaves %d cookies of %d", site, left, before)
		}
		b.do(http.MethodGet, "/", nil) // a session again
	}
}

func TestWhatDoesNotExistAndWhatIsNotAllowed(t *testing.T) {
	b := open(t).visitor(t)
	for _, c := range []struct {
		method, path string
		code         int
		allow        string
	}{
		{"GET", "/nope", 404, ""},
		{"GET", "/product/", 404, ""},
		{"GET", "/order/none", 404, ""},
		{"POST", "/", 405, "GET, HEAD"},
		{"DELETE", "/cart", 405, "GET, HEAD, POST"},
		{"GET", "/cart/checkout", 405, "POST"},
		{"GET", "/setCurrency", 405, "POST"},
		{"PUT", "/static/shop.css", 405, "GET, HEAD"},
	} {
		resp := b.do(c.method, c.path, nil)
		if resp.StatusCode != c.code || resp.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: status %d, allow %q", c.method, c.path, resp.StatusCode, resp.Header.Get("Allow"))
		}
	}
}

func TestHeadIsAllowedWhereGetIs(t *testing.T) {
	b := open(t).visitor(t)
	for _, path := range []string{"/", "/product/6E92ZMYYFZ", "/cart"} {
		if resp := b.do(http.MethodHead, path, nil); resp.StatusCode != http.StatusOK {
			t.Errorf("HEAD %s: %d", path, resp.StatusCode)
		}
	}
}

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	b := open(t).visitor(t)
	for _, path := range []string{"/", "/nope", "/static/shop.css", "/_healthz", "/product-meta/6E92ZMYYFZ"} {
		h := b.do(http.MethodGet, path, nil).Header
		if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'self'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestAFormOfAnotherSiteChangesNothing(t *testing.T) {
	for name, header := range map[string]http.Header{
		"fetch metadata": {"Sec-Fetch-Site": {"cross-site"}},
		"origin":         {"Origin": {"http://elsewhere.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			b := s.visitor(t)
			b.get("/", http.StatusOK)
			s.Calls()
			b.header = header
			for path, form := range map[string]url.Values{
				"/cart": {"product_id": {"6E92ZMYYFZ"}, "quantity": {"1"}}, "/cart/checkout": goodOrder(), "/cart/empty": nil, "/cart/line": {"product_id": {"6E92ZMYYFZ"}, "quantity": {"0"}}, "/setCurrency": {"currency_code": {"EUR"}},
			} {
				b.contains(b.post(path, form, http.StatusForbidden), "another site")
			}
			for _, call := range s.Calls() {
				if call != "CartService/GetCart" && call != "CurrencyService/GetSupportedCurrencies" {
					t.Errorf("called %s", call)
				}
			}
		})
	}
}

func TestTheShopsOwnFormsAreTaken(t *testing.T) {
	b := open(t).visitor(t)
	b.header = http.Header{"Origin": {"http://example.com"}, "Sec-Fetch-Site": {"same-origin"}}
	b.submit("/cart", url.Values{"product_id": {"6E92ZMYYFZ"}, "quantity": {"1"}})
}

func TestAFormThatIsFarTooLongIsRefused(t *testing.T) {
	b := open(t).visitor(t)
	b.post("/cart/checkout", url.Values{"email": {strings.Repeat("a", maxForm+1)}}, http.StatusBadRequest)
}
