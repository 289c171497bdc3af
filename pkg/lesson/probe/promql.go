package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
	"github.com/shopctl/shopctl/pkg/promexpr"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/shellword"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// PromQL evaluates an expression over the shop's metrics and bounds its value.
type PromQL struct {
	At strictyaml.Position
	// Expr may look back to the beginning of the step: up[$since].
	Expr string `yaml:"expr" lesson:"required"`
	// The bound is written next to the expression: above, below, at_least, at_most, equals.
	BoundFields `yaml:",inline"`
	// Unit is the unit of the number, for people: "attempts per order".
	Unit string `yaml:"unit"`
	// Any passes if one series is within the bound; otherwise all must be.
	Any bool `yaml:"any"`
	// Enough is the minimum number of samples; below it the check is inconclusive.
	Enough *Enough `yaml:"enough"`
}

// Enough is the number of samples that a verdict needs.
type Enough struct {
	At strictyaml.Position
	// Expr may look back to the beginning of the step, too.
	Expr    string  `yaml:"expr" lesson:"required"`
	AtLeast float64 `yaml:"at_least" lesson:"required"`
}

// Validate implements Probe.
func (q *PromQL) Validate(report Report) {
	if q.Expr == "" {
		report(q.At, "a promql check has an expr")
	} else {
		report.expr(q.At, reach(q.Expr, time.Minute))
	}
	if q.empty() {
		report(q.At, "expr has no bound: add above, below, at_least, at_most or equals")
	}
	if e := q.Enough; e != nil && (e.Expr == "" || e.AtLeast <= 0) {
		report(e.At, "enough has an expr and at_least")
	} else if e != nil {
		report.expr(e.At, reach(e.Expr, time.Minute))
	}
}

// expr reports an expression that is not PromQL.
func (report Report) expr(at strictyaml.Position, text string) {
	_, err := promexpr.NewParser().ParseExpr(text)
	if err == nil {
		return
	}
	var wrong parser.ParseErrors
	if errors.As(err, &wrong) && len(wrong) > 0 {
		report(at, "expr, character %d: %s", wrong[0].PositionRange.Start+1, wrong[0].Err)
		return
	}
	report(at, "expr: %s", err)
}

// sinceStep is replaced in an expression by the time since the step began: max_over_time(up[$since]) sees no sample
// of an earlier attempt.
const sinceStep = "$since"

// Since implements Relative.
func (q *PromQL) Since(elapsed time.Duration) Probe {
	p := *q
	p.Expr = reach(q.Expr, elapsed)
	if q.Enough != nil {
		enough := *q.Enough
		enough.Expr = reach(enough.Expr, elapsed)
		p.Enough = &enough
	}
	return &p
}

// reach writes whole seconds, one at least: PromQL has no empty range.
func reach(expr string, since time.Duration) string {
	seconds := max(1, int64((since+time.Second-1)/time.Second))
	return strings.ReplaceAll(expr, sinceStep, strconv.FormatInt(seconds, 10)+"s")
}

// Clone implements Translatable.
func (q *PromQL) Clone() Probe {
	p := *q
	return &p
}

// Texts implements Translatable.
func (q *PromQL) Texts() []Text { return []Text{{Key: "unit", Text: &q.Unit, Optional: true}} }

// ProbeKind implements Probe.
func (*PromQL) ProbeKind() string { return "promql" }

// NamedServices implements Probe.
func (*PromQL) NamedServices() []Named { return nil }

// ranges finds the windows of an expression: [30s].
var ranges = lazyregexp.New(`\[(\d+(?:ms|s|m|h))`)

// Lookback implements Probe: the longest window.
func (q *PromQL) Lookback() time.Duration {
	longest := time.Duration(0)
	for _, m := range ranges().FindAllStringSubmatch(q.Expr, -1) {
		if d, err := time.ParseDuration(m[1]); err == nil {
			longest = max(longest, d)
		}
	}
	return longest
}

// Triggers implements Probe.
func (*PromQL) Triggers() Event { return MetricsScraped }

// sample is one value of an expression, with the labels of its series.
type sample struct {
	labels map[string]string
	value  float64
}

func (s sample) show(unit string) string {
	text := strings.TrimSpace(figure(s.value) + " " + unit)
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(s.labels)) {
		if name != "__name__" {
			pairs = append(pairs, name+"="+s.labels[name])
		}
	}
	if len(pairs) == 0 {
		return text
	}
	return text + " (" + strings.Join(pairs, ", ") + ")"
}

// Command implements Probe.
func (q *PromQL) Command() string {
	return shellword.Join("shopctl", "metrics", "query", q.Expr)
}

// Evidence implements Probe.
func (q *PromQL) Evidence() Evidence {
	return Evidence{Kind: MetricEvidence, Expr: q.Expr, Window: q.Lookback()}
}

// Ask implements Probe. It bounds the value of an expression. Without samples, or with too few, it is inconclusive:
// nothing was measured, which neither reaches nor fails the goal.
func (q *PromQL) Ask(ctx context.Context, env Env, _ Baseline) Result {
	r := Result{Verdict: Inconclusive, Expected: strings.TrimSpace(q.String() + " " + q.Unit), Look: q.Command()}
	if q.Enough != nil {
		if why := env.tooFew(ctx, q.Enough); why != "" {
			r.Observed = why
			return r
		}
	}
	samples, why := env.query(ctx, q.Expr)
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

func (env Env) tooFew(ctx context.Context, want *Enough) string {
	samples, why := env.query(ctx, want.Expr)
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
func (env Env) query(ctx context.Context, expr string) (samples []sample, why string) {
	resp, err := env.Shop.QueryMetrics(ctx, &controlpb.QueryMetricsRequest{Expr: expr})
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
