package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// minWindow is the shortest window of the map.
const minWindow = time.Second

// edgeAsker evaluates probe.Edge.
type edgeAsker struct{ *probe.Edge }

func (edgeAsker) command() string {
	return "shopctl map"
}

func (a edgeAsker) evidence() Evidence {
	return Evidence{Kind: EdgeEvidence, Caller: a.Caller, Callee: a.Callee}
}

// evaluate compares the calls from one service to another, as the caller measures them. It looks back to the beginning
// of the step at most: earlier calls would show a symptom that is not there yet, or hide one. The absence of calls
// must last for the whole window.
func (a edgeAsker) evaluate(ctx context.Context, p Prober, base Baseline) Result {
	want := a.Edge
	r := Result{Verdict: Inconclusive, Expected: want.Caller + " -> " + want.Callee + ": " + wantedEdge(want)}
	lookBack := want.Lookback()
	if !base.Since.IsZero() && !want.Absent {
		lookBack = min(lookBack, max(p.Now().Sub(base.Since), minWindow))
	}
	resp, err := p.Shop.GetMap(ctx, &controlpb.GetMapRequest{Window: durationpb.New(lookBack)})
	if err != nil {
		r.Observed = status.Convert(err).Message()
		return r
	}
	names := p.names(ctx)
	var found *controlpb.MapEdge
	for _, edge := range resp.GetEdges() {
		if names.same(edge.GetCaller(), want.Caller) && names.same(edge.GetCallee(), want.Callee) {
			found = edge
		}
	}
	t := found.GetTraffic()
	window := humanize.Span(resp.GetWindow().AsDuration().Round(time.Second))
	switch least := int64(max(want.Requests, 1)); {
	case want.Absent:
		r.Verdict = verdict(t.GetRequests() == 0)
		r.Observed = fmt.Sprintf("%d calls in %s", t.GetRequests(), window)
		return r
	case t.GetRequests() < least:
		r.Observed = fmt.Sprintf("too few calls: %d of %d in %s", t.GetRequests(), least, window)
		return r
	}
	ok, observed := compareEdge(want, found)
	r.Verdict = verdict(ok)
	r.Observed = fmt.Sprintf("%s, by %d calls in %s", observed, t.GetRequests(), window)
	return r
}

func wantedEdge(want *probe.Edge) string {
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
	want *probe.Within
	is   time.Duration
}

func quantiles(want *probe.Edge, t *controlpb.Traffic) []quantile {
	ms := func(x float64) time.Duration { return time.Duration(x * float64(time.Millisecond)) }
	return []quantile{{"p50", want.P50, ms(t.GetP50Ms())}, {"p95", want.P95, ms(t.GetP95Ms())}, {"p99", want.P99, ms(t.GetP99Ms())}}
}

func compareEdge(want *probe.Edge, edge *controlpb.MapEdge) (ok bool, observed string) {
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

// aliases maps the workload of each service to its short name.
type aliases map[string]string

// names reads the names of the shop's services; without a response, each name is its own.
func (p Prober) names(ctx context.Context) aliases {
	st, err := p.Shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil
	}
	a := aliases{}
	for _, s := range st.GetServices() {
		a[s.GetWorkload()] = s.GetName()
	}
	return a
}

func (a aliases) short(name string) string {
	if short, ok := a[name]; ok {
		return short
	}
	return name
}

func (a aliases) same(x, y string) bool { return a.short(x) == a.short(y) }
