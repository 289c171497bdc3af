// Package route finds the route of a request, and says what a route does with it: where it sends it and how changed, how
// long it waits, what is tried again, what is copied, and which faults it injects. It is compiled once from Envoy's
// resources, and does nothing itself: all that happens in time is up to who asks.
package route

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// Table is a route configuration. It is not changed, and can be used by several goroutines.
type Table struct {
	Name       string
	ignorePort bool
	exact      map[string]*virtualHost
	suffixes   []wildcard // "*.example.org": the longest first
	prefixes   []wildcard // "example.*"
	any        *virtualHost
	// redirects: a virtual host has plain requests redirected to https.
	redirects bool
}

// wildcard is a domain without its star.
type wildcard struct {
	text string
	host *virtualHost
}

type virtualHost struct {
	name     string
	routes   []*Route
	redirect bool
}

// Compile compiles a configuration. What it cannot do with a request is an error: a sidecar must not guess.
func Compile(config *routev3.RouteConfiguration) (*Table, error) {
	t := &Table{Name: config.GetName(), ignorePort: config.GetIgnorePortInHostMatching(), exact: map[string]*virtualHost{}}
	for _, vh := range config.GetVirtualHosts() {
		host, err := compileHost(config, vh)
		if err != nil {
			return nil, fmt.Errorf("route configuration %q: virtual host %q: %w", t.Name, vh.GetName(), err)
		}
		t.redirects = t.redirects || host.redirect
		for _, domain := range vh.GetDomains() {
			if err := t.add(strings.ToLower(domain), host); err != nil {
				return nil, fmt.Errorf("route configuration %q: virtual host %q: %w", t.Name, vh.GetName(), err)
			}
		}
	}
	longest := func(a, b wildcard) int { return cmp.Compare(len(b.text), len(a.text)) }
	slices.SortStableFunc(t.suffixes, longest)
	slices.SortStableFunc(t.prefixes, longest)
	return t, nil
}

// add makes a virtual host answer for a domain.
func (t *Table) add(domain string, host *virtualHost) error {
	same := func(w wildcard) bool { return w.text == strings.Trim(domain, "*") }
	taken := false
	switch {
	case domain == "":
		return errors.New("a domain is empty")
	case domain == "*":
		taken = t.any != nil
		t.any = host
	case strings.HasPrefix(domain, "*"):
		taken = slices.ContainsFunc(t.suffixes, same)
		t.suffixes = append(t.suffixes, wildcard{domain[1:], host})
	case strings.HasSuffix(domain, "*"):
		taken = slices.ContainsFunc(t.prefixes, same)
		t.prefixes = append(t.prefixes, wildcard{strings.TrimSuffix(domain, "*"), host})
	default:
		taken = t.exact[domain] != nil
		t.exact[domain] = host
	}
	if taken {
		return fmt.Errorf("the domain %q is another virtual host's as well", domain)
	}
	return nil
}

func compileHost(config *routev3.RouteConfiguration, vh *routev3.VirtualHost) (*virtualHost, error) {
	host := &virtualHost{name: vh.GetName(), redirect: vh.GetRequireTls() == routev3.VirtualHost_ALL}
	if vh.GetRequireTls() == routev3.VirtualHost_EXTERNAL_ONLY {
		return nil, errors.New("TLS of external requests alone is not supported")
	}
	for i, r := range vh.GetRoutes() {
		route, err := compileRoute(config, vh, r)
		if err != nil {
			return nil, fmt.Errorf("route %d %q: %w", i, r.GetName(), err)
		}
		host.routes = append(host.routes, route)
	}
	return host, nil
}

// Match returns the first route that fits a request to an authority; nil if none does, which is flag NR. It does not
// allocate, unless the request has several fields of a name that a condition looks at.
func (t *Table) Match(authority string, r *field.Request) *Route {
	host := t.find(authority)
	if host == nil {
		return nil
	}
	for _, route := range host.routes {
		if route.match.fits(r) {
			return route
		}
	}
	return nil
}

// Redirects reports whether a request to an authority must come with TLS, and is redirected to https if it does not.
func (t *Table) Redirects(authority string) bool {
	if !t.redirects {
		return false
	}
	host := t.find(authority)
	return host != nil && host.redirect
}

// find finds the virtual host of an authority: by its name, then by the longest end, then by the longest beginning.
func (t *Table) find(authority string) *virtualHost {
	if t.ignorePort {
		authority = field.WithoutPort(authority)
	}
	authority = strings.ToLower(authority) // no copy, where it is in lower case
	if host := t.exact[authority]; host != nil {
		return host
	}
	for _, w := range t.suffixes {
		if len(authority) > len(w.text) && strings.HasSuffix(authority, w.text) {
			return w.host
		}
	}
	for _, w := range t.prefixes {
		if len(authority) > len(w.text) && strings.HasPrefix(authority, w.text) {
			return w.host
		}
	}
	return t.any
}

// Routes returns the routes of all virtual hosts, each virtual host once, for views.
func (t *Table) Routes() []*Route {
	hosts := map[string]*virtualHost{}
	for _, h := range t.exact {
		hosts[h.name] = h
	}
	for _, w := range slices.Concat(t.suffixes, t.prefixes) {
		hosts[w.host.name] = w.host
	}
	if t.any != nil {
		hosts[t.any.name] = t.any
	}
	var all []*Route
	for _, h := range hosts {
		all = append(all, h.routes...)
	}
	slices.SortStableFunc(all, func(a, b *Route) int { return strings.Compare(a.VirtualHost, b.VirtualHost) })
	return all
}
