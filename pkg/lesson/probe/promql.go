package probe

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
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
	At      strictyaml.Position
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
		report.expr(e.At, e.Expr)
	}
}

// expr reports an expression that is not PromQL.
func (report Report) expr(at strictyaml.Position, text string) {
	_, err := parser.NewParser(parser.Options{}).ParseExpr(text)
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
	if !strings.Contains(q.Expr, sinceStep) {
		return q
	}
	p := *q
	p.Expr = reach(q.Expr, elapsed)
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
