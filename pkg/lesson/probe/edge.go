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
}

// Validate implements Probe.
func (e *Edge) Validate(report Report) {
	if e.Caller == "" || e.Callee == "" {
		report(e.At, "an edge names caller and callee")
	}
	asks := e.Rate != nil || e.Errors != nil || e.P50 != nil || e.P95 != nil || e.P99 != nil || e.Failure != ""
	if asks == e.Absent {
		report(e.At, "an edge has rate, errors, p50, p95, p99 or failure; or absent alone")
	}
	report.bounds(e.Rate, e.Errors)
}

// ProbeKind implements Probe.
func (*Edge) ProbeKind() string { return "edge" }

// NamedServices implements Probe.
func (e *Edge) NamedServices() []Named { return []Named{{e.Caller, e.At}, {e.Callee, e.At}} }

// Lookback implements Probe.
func (e *Edge) Lookback() time.Duration { return cmp.Or(e.Window, 30*time.Second) }

// Triggers implements Probe.
func (*Edge) Triggers() Event { return TraceEnded }

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
	resp, err := env.Shop.GetMap(ctx, &controlpb.GetMapRequest{Window: durationpb.New(lookBack)})
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
	ok, observed := compareEdge(e, found)
	r.Verdict = verdict(ok)
	r.Observed = fmt.Sprintf("%s, by %d calls in %s", observed, t.GetRequests(), window)
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
	if want.Errors != nil {
		parts = append(parts, "error ratio "+want.Errors.String())
	}
	for _, q := range quantiles(want, nil) {
		if q.want != nil {
			parts = append(parts, q.name+" "+q.want.String())
		}
	}
	if want.Failure != "" {
		parts = append(parts, "some fail with "+want.Failure)
	}
	return strings.Join(parts, ", ")
}

type quantile struct {
	name string
	want *Within
	is   time.Duration
}

func quantiles(want *Edge, t *controlpb.Traffic) []quantile {
	ms := func(x float64) time.Duration { return time.Duration(x * float64(time.Millisecond)) }
	return []quantile{{"p50", want.P50, ms(t.GetP50Ms())}, {"p95", want.P95, ms(t.GetP95Ms())}, {"p99", want.P99, ms(t.GetP99Ms())}}
}

func compareEdge(want *Edge, edge *controlpb.MapEdge) (ok bool, observed string) {
	ok = true
	var parts []string
	note := func(holds bool, text string) {
		ok = ok && holds
		parts = append(parts, text)
	}
	t := edge.GetTraffic()
	if want.Rate != nil {
		note(want.Rate.Holds(t.GetRequestsPerSecond()), figure(t.GetRequestsPerSecond())+" calls a second")
	}
	if want.Errors != nil {
		note(want.Errors.Holds(t.GetErrorRatio()), "error ratio "+figure(t.GetErrorRatio()))
	}
	for _, q := range quantiles(want, t) {
		if q.want != nil {
			note(q.want.Holds(q.is), q.name+" "+humanize.Duration(q.is))
		}
	}
	if want.Failure != "" {
		how := "no call fails"
		if f := edge.GetFailures(); len(f) > 0 {
			how = "failures " + strings.Join(f, ", ")
		}
		note(slices.Contains(edge.GetFailures(), want.Failure), how)
	}
	return ok, strings.Join(parts, ", ")
}
