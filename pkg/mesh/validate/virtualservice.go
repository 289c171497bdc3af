package validate

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	networking "istio.io/api/networking/v1alpha3"
)

func (c *checker) virtualService(vs *networking.VirtualService) {
	mesh := len(vs.GetGateways()) == 0 || slices.Contains(vs.GetGateways(), "mesh")
	for i, host := range vs.GetHosts() {
		c.in(item("hosts", i), func() { c.virtualHost(host, mesh) })
	}
	if len(vs.GetHttp())+len(vs.GetTcp())+len(vs.GetTls()) == 0 {
		c.refuse("http, tcp or tls must be provided in virtual service")
	}
	for i, route := range vs.GetHttp() {
		c.in(item("http", i), func() { c.route(route) })
	}
	c.unusedRules(vs.GetHttp())
	for i, route := range vs.GetTcp() {
		c.in(item("tcp", i), func() { c.connections(route) })
	}
}

// connections is a rule for TCP.
func (c *checker) connections(r *networking.TCPRoute) {
	for i, match := range r.GetMatch() {
		c.in(item("match", i), func() {
			for j, subnet := range match.GetDestinationSubnets() {
				c.in(item("destinationSubnets", j), func() { c.subnet(subnet) })
			}
			if match.GetPort() != 0 {
				c.in("port", func() { c.port(match.GetPort()) })
			}
		})
	}
	c.refuseIf(len(r.GetRoute()) == 0, "TCP route is required")
	weights(c, r.GetRoute())
}

// subnet is a range of addresses, or one.
func (c *checker) subnet(text string) {
	if strings.Contains(text, "/") {
		_, err := netip.ParsePrefix(text)
		c.refuseIf(err != nil, text+" is not a valid CIDR block")
		return
	}
	_, err := netip.ParseAddr(text)
	c.refuseIf(err != nil, text+" is not a valid IP")
}

// virtualHost is a host of an object that sidecars use (mesh), or gateways alone.
func (c *checker) virtualHost(host string, mesh bool) {
	if err := wildcardDomain(host); err != nil {
		if _, notIP := netip.ParseAddr(host); notIP != nil {
			c.refuse("%s", err)
		}
	} else if mesh && host == "*" {
		c.refuse("wildcard host * is not allowed for virtual services bound to the mesh gateway")
	}
}

func (c *checker) route(r *networking.HTTPRoute) {
	c.conflicts(r)
	for i, match := range r.GetMatch() {
		c.in(item("match", i), func() { c.request(match) })
	}
	if fault := r.GetFault(); fault != nil {
		c.in("fault", func() { c.fault(fault) })
	}
	if r.GetMirror() != nil {
		c.in("mirror", func() { c.destination(r.GetMirror()) })
	}
	for i, m := range r.GetMirrors() {
		c.in(item("mirrors", i), func() {
			c.destination(m.GetDestination())
			c.percentage(m.GetPercentage())
		})
	}
	c.in("retries", func() { c.retries(r.GetRetries()) })
	weights(c, r.GetRoute())
	c.in("timeout", func() { c.duration(r.GetTimeout()) })
}

// conflicts are actions that exclude each other.
func (c *checker) conflicts(r *networking.HTTPRoute) {
	hasRoute, hasFault, hasRewrite := len(r.GetRoute()) > 0, r.GetFault() != nil, r.GetRewrite() != nil
	switch {
	case r.GetRedirect() != nil:
		c.refuseIf(hasRoute, "HTTP route cannot contain both route and redirect")
		c.refuseIf(hasFault, "HTTP route cannot contain both fault and redirect")
		c.refuseIf(hasRewrite, "HTTP route rule cannot contain both rewrite and redirect")
		c.refuseIf(r.GetDirectResponse() != nil, "HTTP route rule cannot contain both direct_response and redirect")
	case r.GetDirectResponse() != nil:
		c.refuseIf(hasRoute, "HTTP route cannot contain both route and direct_response")
		c.refuseIf(hasFault, "HTTP route cannot contain both fault and direct_response")
		c.refuseIf(hasRewrite, "HTTP route rule cannot contain both rewrite and direct_response")
	default:
		c.refuseIf(!hasRoute, "HTTP route, redirect or direct_response is required")
	}
	c.refuseIf(r.GetMirror() != nil && len(r.GetMirrors()) > 0, "HTTP route cannot contain both mirror and mirrors")
}

func (c *checker) request(m *networking.HTTPMatchRequest) {
	for _, group := range []struct {
		field, where string
		values       map[string]*networking.StringMatch
	}{
		{"headers", "headers", m.GetHeaders()},
		{"queryParams", "query params", m.GetQueryParams()},
		{"withoutHeaders", "withoutHeaders", m.GetWithoutHeaders()},
	} {
		for _, name := range slices.Sorted(maps.Keys(group.values)) {
			c.in(group.field+"."+name, func() { c.match(group.values[name], group.where) })
		}
	}
	c.in("uri", func() { c.regex(m.GetUri(), "uri") })
	c.in("scheme", func() { c.regex(m.GetScheme(), "scheme") })
	c.in("method", func() { c.regex(m.GetMethod(), "method") })
	c.in("authority", func() { c.regex(m.GetAuthority(), "authority") })
	if m.GetPort() != 0 {
		c.in("port", func() { c.port(m.GetPort()) })
	}
}

func (c *checker) fault(f *networking.HTTPFaultInjection) {
	c.refuseIf(f.GetAbort() == nil && f.GetDelay() == nil, "HTTP fault injection must have an abort and/or a delay")
	if abort := f.GetAbort(); abort != nil {
		c.in("abort", func() { c.abort(abort) })
	}
	if delay := f.GetDelay(); delay != nil {
		c.in("delay", func() {
			c.percentage(delay.GetPercentage())
			c.duration(delay.GetFixedDelay())
		})
	}
}

func (c *checker) abort(abort *networking.HTTPFaultInjection_Abort) {
	c.percentage(abort.GetPercentage())
	switch kind := abort.GetErrorType().(type) {
	case *networking.HTTPFaultInjection_Abort_GrpcStatus:
		var code codes.Code
		if _, err := strconv.Atoi(kind.GrpcStatus); err == nil || code.UnmarshalJSON([]byte(strconv.Quote(kind.GrpcStatus))) != nil {
			c.refuse("gRPC status %q is not supported. See https://github.com/grpc/grpc/blob/master/doc/statuscodes.md for a list of supported codes, for example 'NOT_FOUND'", kind.GrpcStatus)
		}
	case *networking.HTTPFaultInjection_Abort_HttpStatus:
		if kind.HttpStatus < 200 || kind.HttpStatus > 599 {
			c.refuse("HTTP status %d is not in range 200-599", kind.HttpStatus)
		}
	}
}

// retryOn are the conditions of a retry.
func retryOn(condition string) bool {
	switch condition {
	case "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "retriable-4xx", "refused-stream",
		"retriable-status-codes", "retriable-headers", "envoy-ratelimited", "http3-post-connect-failure",
		"cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable":
		return true
	}
	code, err := strconv.Atoi(condition)
	return err == nil && http.StatusText(code) != ""
}

func (c *checker) retries(r *networking.HTTPRetry) {
	if r == nil {
		return
	}
	c.refuseIf(r.GetAttempts() < 0, "attempts cannot be negative")
	configured := r.GetPerTryTimeout() != nil || r.GetRetryOn() != "" || r.GetRetryRemoteLocalities() != nil
	c.refuseIf(r.GetAttempts() == 0 && configured, "http retry policy configured when attempts are set to 0 (disabled)")
	c.in("perTryTimeout", func() { c.duration(r.GetPerTryTimeout()) })
	if r.GetRetryOn() != "" {
		for condition := range strings.SplitSeq(r.GetRetryOn(), ",") {
			if !retryOn(condition) {
				c.in("retryOn", func() { c.refuse("%q is not a valid retryOn policy", condition) })
			}
		}
	}
}

// weighted is a destination with its share.
type weighted interface {
	GetDestination() *networking.Destination
	GetWeight() int32
}

func weights[D weighted](c *checker, routes []D) {
	total := int32(0)
	for i, r := range routes {
		c.in(item("route", i), func() {
			c.in("destination", func() { c.destination(r.GetDestination()) })
			if r.GetWeight() < 0 {
				c.refuse("weight %d < 0", r.GetWeight())
			}
		})
		total += r.GetWeight()
	}
	c.refuseIf(len(routes) > 1 && total == 0, "total destination weight = 0")
}

func (c *checker) destination(d *networking.Destination) {
	if d.GetHost() == "*" {
		c.refuse("invalid destination host *")
	} else {
		c.domain(d.GetHost())
	}
	if d.GetPort() != nil {
		c.port(d.GetPort().GetNumber())
	}
}
