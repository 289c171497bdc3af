package probe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Edge bounds the calls from one service to another, as the map shows them.
type Edge struct {
	At     strictyaml.Position
	Caller string `yaml:"caller" lesson:"required"`
	Callee string `yaml:"callee" lesson:"required"`
	// Window is the period of rates and quantiles; default 30 s.
	Window time.Duration `yaml:"window"`
	// Requests is the minimum number of calls behind the figures; default 1. With fewer, the check is inconclusive.
	Requests int `yaml:"requests"`
	// Rate is in calls a second, Errors a ratio from 0 to 1.
	Rate   *Bound  `yaml:"rate"`
	Errors *Bound  `yaml:"errors"`
	P50    *Within `yaml:"p50"`
	P95    *Within `yaml:"p95"`
	P99    *Within `yaml:"p99"`
	// Failure is a status with which some calls fail: UNAVAILABLE.
	Failure string `yaml:"failure"`
	// Absent requires that there are no calls.
	Absent bool `yaml:"absent"`
	// Security is how all calls are secured between the two sidecars: mutual_tls or none.
	Security string `yaml:"security"`
	// Version restricts the check to calls that come to instances of this version of the callee, as its sidecars count them,
	// and Share is that of these among all calls of the edge, from 0 to 1.
	Version string `yaml:"version"`
	Share   *Bound `yaml:"share"`
}

// Validate implements Probe.
func (e *Edge) Validate(report Report) {
	if e.Caller == "" || e.Callee == "" {
		report(e.At, "an edge names caller and callee")
	}
	if (e.measures() || e.Security != "") == e.Absent {
		report(e.At, "an edge has rate, errors, p50, p95, p99, failure, share or security; or absent alone")
	}
	report.bounds(e.Rate, e.Errors)
	e.validateMesh(report)
}

// measures reports whether figures of the calls are compared.
func (e *Edge) measures() bool {
	return e.Rate != nil || e.Errors != nil || e.P50 != nil || e.P95 != nil || e.P99 != nil || e.Failure != "" || e.Share != nil
}

// ProbeKind implements Probe.
func (*Edge) ProbeKind() string { return "edge" }

// NamedServices implements Probe.
func (e *Edge) NamedServices() []Named { return []Named{{e.Caller, e.At}, {e.Callee, e.At}} }

// Lookback implements Probe.
func (e *Edge) Lookback() time.Duration { return cmp.Or(e.Window, 30*time.Second) }

// Triggers implements Probe.
func (e *Edge) Triggers() Event {
	if e.Version != "" || e.Security != "" {
		return MetricsScraped
	}
	return TraceEnded
}

// minWindow is the shortest window of the map.
const minWindow = time.Second

// Command implements Probe.
func (*Edge) Command() string {
	return "shopctl map"
}

// Evidence implements Probe.
func (e *Edge) Evidence() Evidence {
	return Evidence{Kind: EdgeEvidence, Caller: e.Caller, Callee: e.Callee}
}

// Ask implements Probe. It compares the calls from one service to another, as the caller measures them. It looks back to
// the beginning of the step at most: earlier calls would show a symptom that is not there yet, or hide one. The absence of
// calls must last for the whole window.
func (e *Edge) Ask(ctx context.Context, env Env, base Baseline) Result {
	r := Result{Verdict: Inconclusive, Expected: e.Caller + " -> " + e.Callee + ": " + wantedEdge(e)}
	lookBack := e.Lookback()
	if !base.Since.IsZero() && !e.Absent {
		lookBack = min(lookBack, max(env.Now().Sub(base.Since), minWindow))
	}
	if e.Version != "" {
		return e.askVersion(ctx, env, lookBack)
	}
	secured := ""
	if e.Security != "" {
		s := e.askSecurity(ctx, env, lookBack)
		if s.Expected = r.Expected; s.Verdict != Pass || !e.measures() {
			return s
		}
		secured = "; " + s.Observed
	}
	req := &controlpb.GetMapRequest{Window: durationpb.New(e.Lookback())}
	if !base.Since.IsZero() && !e.Absent {
		req.Since = timestamppb.New(base.Since)
	}
	resp, err := env.Shop.GetMap(ctx, req)
	if err != nil {
		r.Observed = status.Convert(err).Message()
		return r
	}
	names := env.names(ctx)
	var found *controlpb.MapEdge
	for _, edge := range resp.GetEdges() {
		if names.same(edge.GetCaller(), e.Caller) && names.same(edge.GetCallee(), e.Callee) {
			found = edge
		}
	}
	t := found.GetTraffic()
	window := humanize.Span(resp.GetWindow().AsDuration().Round(time.Second))
	switch least := int64(max(e.Requests, 1)); {
	case e.Absent:
		r.Verdict = verdict(t.GetRequests() == 0)
		r.Observed = fmt.Sprintf("%d calls in %s", t.GetRequests(), window)
		return r
	case t.GetRequests() < least:
		r.Observed = fmt.Sprintf("too few calls: %d of %d in %s", t.GetRequests(), least, window)
		return r
	}
	ok, observed := e.compare(measured{
		rate: t.GetRequestsPerSecond(), errors: t.GetErrorRatio(), failures: found.GetFailures(),
		took: [3]time.Duration{milliseconds(t.GetP50Ms()), milliseconds(t.GetP95Ms()), milliseconds(t.GetP99Ms())},
	})
	r.Verdict = verdict(ok)
	r.Observed = fmt.Sprintf("%s, by %d calls in %s%s", observed, t.GetRequests(), window, secured)
	return r
}

func wantedEdge(want *Edge) string {
	if want.Absent {
		return "no calls"
	}
	var parts []string
	if want.Rate != nil {
		parts = append(parts, want.Rate.String()+" calls a second")
	}
	if want.Share != nil {
		parts = append(parts, "share "+want.Share.String()+" of the calls")
	}
	if want.Errors != nil {
		parts = append(parts, "error ratio "+want.Errors.String())
	}
	for _, q := range want.wanted() {
		if q.within != nil {
			parts = append(parts, q.name+" "+q.within.String())
		}
	}
	if want.Failure != "" {
		parts = append(parts, "some fail with "+want.Failure)
	}
	if want.Security != "" {
		parts = append(parts, "security "+want.Security)
	}
	return strings.Join(parts, ", ")
}

// quantile is one of the quantiles that an edge can bound.
type quantile struct {
	name   string
	level  float64
	within *Within
}

func (e *Edge) wanted() [3]quantile {
	return [3]quantile{{"p50", 0.5, e.P50}, {"p95", 0.95, e.P95}, {"p99", 0.99, e.P99}}
}

func milliseconds(x float64) time.Duration { return time.Duration(x * float64(time.Millisecond)) }

// measured are the figures of the calls of an edge. took are its quantiles, in the order of wanted.
type measured struct {
	rate, errors, share float64
	took                [3]time.Duration
	failures            []string
}

func (e *Edge) compare(is measured) (ok bool, observed string) {
	ok = true
	var parts []string
	note := func(holds bool, text string) {
		ok = ok && holds
		parts = append(parts, text)
	}
	if e.Rate != nil {
		note(e.Rate.Holds(is.rate), figure(is.rate)+" calls a second")
	}
	if e.Share != nil {
		note(e.Share.Holds(is.share), "share "+figure(is.share))
	}
	if e.Errors != nil {
		note(e.Errors.Holds(is.errors), "error ratio "+figure(is.errors))
	}
	for i, q := range e.wanted() {
		if q.within != nil {
			note(q.within.Holds(is.took[i]), q.name+" "+humanize.Duration(is.took[i]))
		}
	}
	if e.Failure != "" {
		how := "no call fails"
		if len(is.failures) > 0 {
			how = "failures " + strings.Join(is.failures, ", ")
		}
		note(slices.Contains(is.failures, e.Failure), how)
	}
	return ok, strings.Join(parts, ", ")
}
