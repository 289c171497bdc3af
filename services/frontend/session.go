package frontend

import (
	"net/http"
	"time"
)

// Cookies of the original, which had no path, so that a first visit to a product page made a second session for product
// pages.
const (
	cookieSession  = "shop_session-id"
	cookieCurrency = "shop_currency"
	cookieAge      = 48 * time.Hour
)

// identify returns the visitor's session, and starts one for a new visitor.
func (s *server) identify(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{w: w, r: r, session: s.session, currency: defaultCurrency}
	if c, err := r.Cookie(cookieCurrency); err == nil && isCurrencyCode(c.Value) {
		v.currency = c.Value
	}
	if v.session != "" {
		return v
	}
	if c, err := r.Cookie(cookieSession); err == nil && isSessionID(c.Value) {
		v.session = c.Value
		return v
	}
	v.session = s.newID()
	setCookie(w, cookieSession, v.session, "/", cookieAge)
	return v
}

// setCookie sets a cookie that scripts cannot read and other sites cannot make the browser send with
// a form. A negative age deletes it.
func setCookie(w http.ResponseWriter, name, value, path string, age time.Duration) {
	seconds := int(age / time.Second)
	if age < 0 {
		seconds = -1
	}
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: path, MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// isSessionID reports whether a cookie may be a session's. The original accepts everything; here an id must be fit for a
// key and a log line.
func isSessionID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

func isCurrencyCode(s string) bool {
	if len(s) != 3 {
		return false
	}
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

// logout ends the visitor's session. It is a GET, as in the original, which any site can link to; browsers report where a
// request comes from.
func (s *server) logout(v *visit) error {
	if site := v.r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return &pageError{
			code: http.StatusForbidden, title: "This link came from another site",
			text: "For your safety, another site cannot end your session. Nothing was changed: your cart is as it was.",
		}
	}
	for _, c := range v.r.Cookies() {
		setCookie(v.w, c.Name, "", "/", -1)
	}
	// A session that this visit started must not survive it.
	setCookie(v.w, cookieSession, "", "/", -1)
	return redirect(v, "/")
}
