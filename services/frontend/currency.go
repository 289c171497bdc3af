package frontend

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// setCurrency handles the form of the currency menu. It accepts what the currency service supports; while that is
// unavailable, what the menu may offer.
func (s *server) setCurrency(v *visit) error {
	code := strings.TrimSpace(v.r.PostForm.Get("currency_code"))
	supported, err := s.n.supportedCurrencies(v.ctx())
	if known := err == nil; (known && !slices.Contains(supported, code)) || (!known && !offered(code)) {
		rule := "oneof"
		switch {
		case code == "":
			rule = "required"
		case !isCurrencyCode(code):
			rule = "iso4217"
		}
		return &pageError{code: http.StatusUnprocessableEntity, title: "The shop does not accept this currency", text: invalid("Currency", rule)}
	}
	setCookie(v.w, cookieCurrency, code, "/", cookieAge)
	return redirect(v, referrer(v.r))
}

// referrer is the page that a form was sent from, or the first page if it is of another site.
func referrer(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host || !isLocal(u.EscapedPath()) {
		return "/"
	}
	// The response to a form is not a page that can be fetched again.
	switch u.Path {
	case "/setCurrency", "/cart/checkout", "/cart/empty", "/cart/line":
		return "/"
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
}
