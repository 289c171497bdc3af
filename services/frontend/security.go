package frontend

import "net/http"

// Header values that all responses share; they are never modified.
//
//nolint:gochecknoglobals // read only
var (
	contentHTML = []string{"text/html; charset=utf-8"}
	cachePage   = []string{"private, no-cache"}
	cacheNever  = []string{"no-store"}
)

// secure sets the headers that keep a page to itself: everything it shows comes from this address,
// its forms go nowhere else, and no other page frames it.
func secure(next http.Handler) http.Handler {
	always := map[string][]string{
		"Content-Security-Policy":    {"default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"},
		"X-Content-Type-Options":     {"nosniff"},
		"X-Frame-Options":            {"DENY"},
		"Referrer-Policy":            {"same-origin"},
		"Cross-Origin-Opener-Policy": {"same-origin"},
		"Permissions-Policy":         {"camera=(), geolocation=(), microphone=(), payment=()"},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		for name, value := range always {
			header[name] = value
		}
		next.ServeHTTP(w, r)
	})
}
