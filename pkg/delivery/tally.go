package delivery

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/observe"
)

// maxTimes bounds the durations of a release that are kept for quantiles; counts go on.
const maxTimes = 4096

// tally counts the calls of both releases in a step. Its zero value has none.
type tally struct {
	// since is when the step began: calls that began before do not count.
	since         time.Time
	before, after release
}

// release is what is counted of one.
type release struct {
	calls, failed int
	// slow are those that succeeded and took longer than the limit of each criterion.
	slow []int
	// times are those of the newest that succeeded, a ring.
	times []time.Duration
}

// add counts a call.
func (r *release) add(check Check, failed bool, took time.Duration) {
	r.calls++
	if failed {
		r.failed++
		return
	}
	if len(r.slow) != len(check) {
		r.slow = make([]int, len(check))
	}
	for i, c := range check {
		if c.Latency() && took > c.Limit {
			r.slow[i]++
		}
	}
	if n := r.calls - r.failed - 1; len(r.times) == maxTimes {
		r.times[n%maxTimes] = took
	} else {
		r.times = append(r.times, took)
	}
}

// counts are those for the criterion at an index of the check.
func (r *release) counts(c Criterion, index int) Counts {
	if !c.Latency() {
		return Counts{Calls: r.calls, Bad: r.failed}
	}
	out := Counts{Calls: r.calls - r.failed}
	if index < len(r.slow) {
		out.Bad = r.slow[index]
	}
	if len(r.times) > 0 {
		sorted := slices.Sorted(slices.Values(r.times))
		rank := int(math.Ceil((1 - c.Share) * float64(len(sorted))))
		out.Quantile = sorted[min(max(rank, 1), len(sorted))-1]
	}
	return out
}

// add counts a request, if it is one of the canary's: a caller's sidecar sent it by a weighted rule to one of the releases. A
// call that its own caller gave up says nothing of either.
func (t *tally) add(c *Canary, check Check, object string, rules []string, r observe.Request) {
	_, rest, _ := strings.Cut(r.Cluster, "|") // outbound|3550|v2|productcatalogservice.production.svc.cluster.local
	_, rest, _ = strings.Cut(rest, "|")
	subset, host, ok := strings.Cut(rest, "|")
	ours := ok && r.Outbound() && r.Config == object && host == c.Host+"."+namespaceOf(object)+".svc.cluster.local"
	if !ours || !r.HasTime() || r.Start.Before(t.since) || r.GRPC == "Canceled" || strings.Contains(r.Flags, "DC") {
		return
	}
	if !slices.Contains(rules, r.Rule) && !strings.HasPrefix(r.Rule, "fault:") {
		return
	}
	switch subset {
	case c.From:
		t.before.add(check, r.Error, r.End.Sub(r.Start))
	case c.To:
		t.after.add(check, r.Error, r.End.Sub(r.Start))
	}
}

// findings judges the releases by what was counted. Where the old one gets no calls, they are those of the step before: the few
// that are on their way do not say more.
func (t *tally) findings(c Canary, check Check) []Finding {
	all := make([]Finding, len(check))
	for i, criterion := range check {
		before := t.before.counts(criterion, i)
		if baseline := c.Baseline(criterion.Text); c.Weight() == 100 && baseline.Calls > 0 {
			before = baseline
		}
		all[i] = Judge(criterion, before, t.after.counts(criterion, i))
	}
	return all
}

// objectPath is how spans name a VirtualService.
func objectPath(namespace, name string) string {
	return "/apis/networking.istio.io/v1/namespaces/" + namespace + "/virtual-service/" + name
}

func namespaceOf(path string) string {
	parts := strings.Split(path, "/")
	return parts[len(parts)-3]
}

// ruleNames are how spans name rules.
func ruleNames(indices []int) []string {
	names := make([]string, len(indices))
	for i, index := range indices {
		names[i] = fmt.Sprintf("spec.http[%d]", index)
	}
	return names
}
