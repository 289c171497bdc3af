// Package loopback keeps web pages away from servers that are only for this machine. Such a server
// trusts its clients, and a browser can reach it for any page: by a name that resolves to 127.0.0.1 (DNS rebinding, which
// the Host header shows), or by a cross-origin request (which the Origin header shows).
package loopback

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Guard responds with 403 where Host or Origin names another machine than this one.
func Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !IsHost(r.Host) {
			http.Error(w, "host is not this machine: use 127.0.0.1 or localhost", http.StatusForbidden)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && !isOrigin(origin) {
			http.Error(w, "origin is not this machine", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// IsHost reports whether a Host header, with or without a port, names this machine.
func IsHost(host string) bool {
	u, err := url.Parse("http://" + host)
	if err != nil || u.Host != host {
		return false
	}
	name := u.Hostname()
	ip := net.ParseIP(name)
	lower := strings.ToLower(name)
	return lower == "localhost" || strings.HasSuffix(lower, ".localhost") || ip != nil && ip.IsLoopback()
}

// isOrigin reports whether an Origin header is that of a page from this machine.
func isOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Path == "" && IsHost(u.Host)
}
