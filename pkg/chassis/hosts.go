package chassis

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// hosts are the names by which an HTTP server on loopback is addressed.
type hosts struct {
	// any: a cluster decides what reaches the service.
	any   bool
	names []string
}

// hostsOf reads the environment: see the package's documentation. A service is also addressed by its own names, and by that of
// the Service by which a cluster lets browsers reach it.
func hostsOf(getenv func(string) string, service ...string) hosts {
	h := hosts{any: getenv("KUBERNETES_SERVICE_HOST") != ""}
	for _, name := range service {
		h.names = append(h.names, name, name+"-external")
	}
	for name := range strings.SplitSeq(getenv("ALLOWED_HOSTS"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			h.names = append(h.names, name)
			h.any = h.any || name == "*"
		}
	}
	return h
}

// guard refuses requests that came over loopback for a host that is not this machine: a page of a browser reaches it by a name
// of its own that resolves to 127.0.0.1 (DNS rebinding), and could read and do everything here.
func (h hosts) guard(next http.Handler) http.Handler {
	if h.any {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && local.IP.IsLoopback() && !h.allowed(r.Host) {
			http.Error(w, "the host of the request is not this machine: use localhost or 127.0.0.1, or set ALLOWED_HOSTS", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// allowed reports whether a Host header, with or without a port, is of this machine, the full name of a Service of a cluster,
// which no name server outside knows, or one of the names. Other names without a dot are refused: in a local network, any
// machine can reply for them.
func (h hosts) allowed(host string) bool {
	if host == "" {
		return true // HTTP/1.0, which no browser speaks
	}
	u, err := url.Parse("http://" + host)
	if err != nil || u.Host != host {
		return false
	}
	name := strings.ToLower(u.Hostname())
	if ip := net.ParseIP(name); ip != nil {
		return ip.IsLoopback()
	}
	for _, zone := range []string{".localhost", ".svc", ".svc.cluster.local"} {
		if strings.HasSuffix(name, zone) {
			return true
		}
	}
	return name == "localhost" || slices.ContainsFunc(h.names, func(n string) bool { return strings.EqualFold(n, name) })
}
