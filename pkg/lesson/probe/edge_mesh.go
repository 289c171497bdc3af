package probe

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/shellword"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// securities are the values of connection_security_policy in Istio's metrics.
func securities() []string { return []string{"mutual_tls", "none"} }

// validateMesh reports mistakes in what only sidecars know.
func (e *Edge) validateMesh(report Report) {
	if e.Security != "" && !slices.Contains(securities(), e.Security) {
		report(e.At, "unknown security %q%s", e.Security, strictyaml.DidYouMean(e.Security, securities()))
	}
	if e.Share != nil && e.Version == "" {
		report(e.At, "share is that of a version: name it")
	}
	if e.Version != "" && e.Security != "" {
		report(e.At, "security is that of all calls of an edge: write it in a check without version")
	}
	report.bounds(e.Share)
}

// askSecurity compares how the calls were secured that the caller's sidecars sent. It is inconclusive where there were none.
func (e *Edge) askSecurity(ctx context.Context, env Env, window time.Duration) Result {
	expr := grown("destination_service_name, connection_security_policy", labels("reporter", "source", "service", env.names(ctx).short(e.Caller))+`,response_flags!~"`+unreached+`"`, window)
	r := Result{Verdict: Inconclusive, Look: shellword.Join("shopctl", "metrics", "query", expr)}
	counts, why := env.requests(ctx, expr)
	names := env.names(ctx)
	to := func(s sample) bool { return names.same(s.labels["destination_service_name"], e.Callee) }
	all := total(counts, to)
	if all < float64(max(e.Requests, 1)) {
		r.Observed = fmt.Sprintf("too few calls through sidecars: %.0f of %d in %s", all, max(e.Requests, 1), humanize.Span(window))
		if why != "" {
			r.Observed = "no calls through sidecars: " + why
		}
		return r
	}
	var parts []string
	for _, policy := range securities() {
		if n := total(counts, func(s sample) bool { return to(s) && s.labels["connection_security_policy"] == policy }); n > 0 {
			parts = append(parts, fmt.Sprintf("%.0f with security %s", n, policy))
		}
	}
	is := total(counts, func(s sample) bool { return to(s) && s.labels["connection_security_policy"] == e.Security })
	r.Verdict, r.Observed = verdict(is == all), "calls: "+strings.Join(parts, ", ")
	return r
}

// askVersion compares the calls that came to instances of one version, as the callee's sidecars count them.
func (e *Edge) askVersion(ctx context.Context, env Env, window time.Duration) Result {
	names := env.names(ctx)
	callee := labels("reporter", "destination", "service", names.short(e.Callee))
	expr := grown("source_workload, destination_version, grpc_response_status, response_code", callee, window)
	r := Result{
		Verdict: Inconclusive, Expected: e.Caller + " -> " + e.Callee + " " + e.Version + ": " + wantedEdge(e),
		Look: shellword.Join("shopctl", "metrics", "query", expr),
	}
	counts, why := env.requests(ctx, expr)
	from := func(s sample) bool { return names.same(s.labels["source_workload"], e.Caller) }
	at := func(s sample) bool { return from(s) && s.labels["destination_version"] == e.Version }
	all, n := total(counts, from), total(counts, at)
	enough := float64(max(e.Requests, 1))
	span := humanize.Span(window)
	switch {
	case why != "":
		r.Observed = "no calls through sidecars: " + why
		return r
	case e.Absent && all >= enough:
		r.Verdict, r.Observed = verdict(n == 0), fmt.Sprintf("%.0f of %.0f calls in %s", n, all, span)
		return r
	case e.Absent || e.Share != nil && all < enough:
		r.Observed = fmt.Sprintf("too few calls through sidecars: %.0f of %.0f in %s", all, enough, span)
		return r
	case e.Share == nil && n < enough:
		r.Observed = fmt.Sprintf("too few calls to %s: %.0f of %.0f in %s", e.Version, n, enough, span)
		return r
	}
	took, why := e.quantiles(ctx, env, names, window)
	if why != "" {
		r.Observed = why
		return r
	}
	errors := total(counts, func(s sample) bool { return at(s) && s.failed() })
	ok, observed := e.compare(measured{
		rate: n / window.Seconds(), errors: errors / max(n, 1), share: n / max(all, 1), took: took,
		failures: failures(slices.DeleteFunc(counts, func(s sample) bool { return !at(s) })),
	})
	r.Verdict, r.Observed = verdict(ok), fmt.Sprintf("%s, by %.0f of %.0f calls in %s", observed, n, all, span)
	return r
}

// quantiles reads the quantiles that are bounded, of the calls that came to the version, in the order of those of wanted.
func (e *Edge) quantiles(ctx context.Context, env Env, names aliases, window time.Duration) (took [3]time.Duration, why string) {
	selector := labels("reporter", "destination", "service", names.short(e.Callee), "source_workload", names.long(e.Caller), "destination_version", e.Version)
	for i, q := range e.wanted() {
		if q.within == nil {
			continue
		}
		expr := fmt.Sprintf("histogram_quantile(%g, sum by (le) (rate(istio_request_duration_milliseconds_bucket{%s}[%ds])))", q.level, selector, seconds(max(window, 2*time.Second)))
		samples, why := env.query(ctx, expr)
		if why != "" || math.IsNaN(samples[0].value) {
			return took, "too few calls for " + q.name
		}
		took[i] = milliseconds(samples[0].value)
	}
	return took, ""
}
