package check

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// sample is one value of an expression, with the labels of its series.
type sample struct {
	labels map[string]string
	value  float64
}

func (s sample) show(unit string) string {
	text := strings.TrimSpace(figure(s.value) + " " + unit)
	var pairs []string
	for _, name := range sortedKeys(s.labels) {
		if name != "__name__" {
			pairs = append(pairs, name+"="+s.labels[name])
		}
	}
	if len(pairs) == 0 {
		return text
	}
	return text + " (" + strings.Join(pairs, ", ") + ")"
}

// figure is a number with as many digits as people can use.
func figure(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e9 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// promqlAsker evaluates probe.PromQL.
type promqlAsker struct{ *probe.PromQL }

func (a promqlAsker) command() string {
	return "shopctl metrics query " + quoted(a.Expr)
}

func (a promqlAsker) evidence() Evidence {
	return Evidence{Kind: MetricEvidence, Expr: a.Expr, Window: a.Lookback()}
}

// evaluate bounds the value of an expression. Without samples, or with too few, it is inconclusive: nothing was
// measured, which neither reaches nor fails the goal.
func (a promqlAsker) evaluate(ctx context.Context, p Prober, _ Baseline) Result {
	q := a.PromQL
	r := Result{Verdict: Inconclusive, Expected: strings.TrimSpace(q.String() + " " + q.Unit), Look: "shopctl metrics query " + quoted(q.Expr)}
	if q.Enough != nil {
		if why := p.tooFew(ctx, q.Enough); why != "" {
			r.Observed = why
			return r
		}
	}
	samples, why := p.query(ctx, q.Expr)
	if why != "" {
		r.Observed = why
		return r
	}
	numbers := slices.DeleteFunc(samples, func(s sample) bool { return math.IsNaN(s.value) })
	if len(numbers) == 0 {
		r.Observed = "not a number: the expression divides by zero, since nothing happened in its window"
		return r
	}
	within := func(s sample) bool { return q.Holds(s.value) }
	show := numbers[0]
	r.Verdict = Pass
	if q.Any {
		if i := slices.IndexFunc(numbers, within); i >= 0 {
			show = numbers[i]
		} else {
			r.Verdict = Fail
		}
	} else if i := slices.IndexFunc(numbers, func(s sample) bool { return !within(s) }); i >= 0 {
		show, r.Verdict = numbers[i], Fail
	}
	r.Observed = show.show(q.Unit)
	if len(numbers) > 1 {
		r.Observed += fmt.Sprintf(", of %d series", len(numbers))
	}
	return r
}

func (p Prober) tooFew(ctx context.Context, want *probe.Enough) string {
	samples, why := p.query(ctx, want.Expr)
	if why != "" {
		return why
	}
	sum := 0.0
	for _, s := range samples {
		if !math.IsNaN(s.value) {
			sum += s.value
		}
	}
	if sum < want.AtLeast {
		return fmt.Sprintf("too few samples: %s of %s", figure(math.Floor(sum)), figure(want.AtLeast))
	}
	return ""
}

// query evaluates an expression now. If there are no samples, why is the reason.
func (p Prober) query(ctx context.Context, expr string) (samples []sample, why string) {
	resp, err := p.Shop.QueryMetrics(ctx, &controlpb.QueryMetricsRequest{Expr: expr})
	if err != nil {
		return nil, status.Convert(err).Message()
	}
	for _, s := range resp.GetSeries() {
		if n := len(s.GetSamples()); n > 0 {
			samples = append(samples, sample{s.GetLabels(), s.GetSamples()[n-1].GetValue()})
		}
	}
	if len(samples) == 0 {
		why = "no samples yet"
		if w := resp.GetWarnings(); len(w) > 0 {
			why += ": " + w[0]
		}
		return nil, why
	}
	slices.SortStableFunc(samples, func(a, b sample) int { return cmp.Compare(a.show(""), b.show("")) })
	return samples, ""
}
