// Package query evaluates PromQL over the shop's metrics: Prometheus' own engine over our store, within limits,
// and with errors that have a position and suggest a correction.
package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"

	"github.com/shopctl/shopctl/pkg/promexpr"
	"github.com/shopctl/shopctl/pkg/suggest"
)

const (
	// maxSamples bounds what one query may hold in memory at a time: 16 bytes each.
	maxSamples = 2_000_000
	// timeout bounds one query.
	timeout = 10 * time.Second
	// atOnce is how many queries run at the same time, rulesAtOnce how many of the daemon's own beside them; the rest wait.
	atOnce, rulesAtOnce = 4, 1
	// MaxPoints bounds the points of a range query, as in Prometheus.
	MaxPoints = 11_000
	// subqueryStep is the step of a subquery that has none.
	subqueryStep = 15 * time.Second
	// Lookback is how old the last sample of a series may be to count.
	Lookback = 5 * time.Minute
)

// Store holds the samples.
type Store interface {
	storage.Queryable
	// Names returns how many series there are of each metric name.
	Names() map[string]int
	// Largest is how many bytes the labels of a series take at most.
	Largest() int
}

// Engine evaluates queries. It is safe for concurrent use.
type Engine struct {
	store       Store
	engine      *promql.Engine
	parser      promexpr.Parser
	turn, rules chan struct{}
}

// New makes an engine over a store. Close ends it.
func New(store Store) *Engine {
	p := promexpr.NewParser()
	return &Engine{
		store: store, parser: p, turn: make(chan struct{}, atOnce), rules: make(chan struct{}, rulesAtOnce),
		engine: promql.NewEngine(promql.EngineOpts{
			MaxSamples: maxSamples, Timeout: timeout, LookbackDelta: Lookback, Parser: p,
			EnableAtModifier: true, EnableNegativeOffset: true,
			NoStepSubqueryIntervalFn: func(int64) int64 { return subqueryStep.Milliseconds() },
		}),
	}
}

// Close ends the engine.
func (e *Engine) Close() error { return e.engine.Close() }

// Parse checks an expression. The error is an *Error.
func (e *Engine) Parse(expr string) (parser.Expr, error) {
	parsed, err := e.parser.ParseExpr(expr)
	if err != nil {
		return nil, e.explain(err)
	}
	return parsed, nil
}

// Selectors reads series selectors, such as `up{job="cartservice"}`. The error is an *Error.
func (e *Engine) Selectors(texts []string) ([][]*labels.Matcher, error) {
	sets, err := e.parser.ParseMetricSelectors(texts)
	if err != nil {
		return nil, e.explain(err)
	}
	return sets, nil
}

// Result is the result of a query: Value is valid until the call that got it returns.
type Result struct {
	Value    parser.Value
	Warnings []string
	Infos    []string
}

// Instant evaluates an expression at one time and passes the result to use. The error is an *Error, or that
// of ctx.
func (e *Engine) Instant(ctx context.Context, expr string, at time.Time, use func(Result) error) error {
	return e.instant(ctx, e.turn, expr, at, use)
}

// Rule is Instant for the daemon's own needs, which never wait for the queries of others.
func (e *Engine) Rule(ctx context.Context, expr string, at time.Time, use func(Result) error) error {
	return e.instant(ctx, e.rules, expr, at, use)
}

func (e *Engine) instant(ctx context.Context, turn chan struct{}, expr string, at time.Time, use func(Result) error) error {
	return e.run(ctx, turn, expr, 0, 1, use, func() (promql.Query, error) {
		return e.engine.NewInstantQuery(ctx, e.store, nil, expr, at)
	})
}

// Range evaluates an expression at every step from start to end.
func (e *Engine) Range(ctx context.Context, expr string, start, end time.Time, step time.Duration, use func(Result) error) error {
	switch {
	case step <= 0:
		return &Error{Kind: Invalid, Text: fmt.Sprintf("step %s is not above zero", step), Hint: "use a step such as 15s"}
	case end.Before(start):
		return &Error{Kind: Invalid, Text: "the range ends before it starts", Hint: "swap the two times"}
	case end.Sub(start)/step > MaxPoints:
		return &Error{Kind: Invalid, Text: fmt.Sprintf("a step of %s gives more than %d points per series", step, MaxPoints), Hint: "use a longer step, or a shorter range"}
	}
	return e.run(ctx, e.turn, expr, end.Sub(start), step, use, func() (promql.Query, error) {
		q, err := e.engine.NewRangeQuery(ctx, e.store, nil, expr, start, end, step)
		if err != nil && !isParseError(err) {
			return nil, &Error{Kind: Invalid, Text: err.Error(), err: err, Hint: "a range needs numbers at each time: rate(...), or without [...]"}
		}
		return q, err
	})
}

func (e *Engine) run(ctx context.Context, turn chan struct{}, expr string, span, step time.Duration, use func(Result) error, make func() (promql.Query, error)) error {
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	parsed, err := e.Parse(expr)
	if err != nil {
		return err
	}
	if err := e.affordable(ctx, parsed, span, step); err != nil {
		return err
	}
	q, err := make()
	if err != nil {
		return e.explain(err)
	}
	defer q.Close()
	ctx, stop := watchMemory(ctx)
	defer stop()
	res := q.Exec(ctx)
	if res.Err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return e.explain(res.Err)
	}
	a := Result{Value: res.Value}
	a.Warnings, a.Infos = res.Warnings.AsStrings(expr, 10, 10)
	return use(a)
}

// Missing returns the metric names in an expression of which there is no series, each with the nearest name
// that there is: what may be wrong with a query that found nothing.
func (e *Engine) Missing(expr string) []string {
	parsed, err := e.parser.ParseExpr(expr)
	if err != nil {
		return nil
	}
	names := e.store.Names()
	known := make([]string, 0, len(names))
	for n := range names {
		known = append(known, n)
	}
	slices.Sort(known)
	var missing []string
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		v, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		for _, m := range v.LabelMatchers {
			if m.Name != model.MetricNameLabel || m.Type != labels.MatchEqual || names[m.Value] > 0 {
				continue
			}
			text := fmt.Sprintf("there is no metric %q%s", m.Value, suggest.Phrase(m.Value, known))
			if !slices.Contains(missing, text) {
				missing = append(missing, text)
			}
		}
		return nil
	})
	return missing
}

// Kind of an error, for who branches on it.
type Kind int

// What may be wrong with a query.
const (
	// Invalid: the query is not PromQL, or is not possible.
	Invalid Kind = iota
	// Failed: it cannot be evaluated on the stored series.
	Failed
	// TimedOut and TooLarge: it would take too long, or too much memory.
	TimedOut
	TooLarge
)

// Error describes what is wrong with a query.
type Error struct {
	Kind Kind
	// Text begins with line:column where the place is known.
	Text string
	// Hint for people; never empty.
	Hint string
	err  error
}

func (e *Error) Error() string { return e.Text }

// Unwrap returns the engine's error.
func (e *Error) Unwrap() error { return e.err }

func (e *Engine) explain(err error) error {
	text := err.Error()
	out := &Error{Kind: Failed, Text: text, err: err, Hint: "evaluate the parts separately: shopctl metrics query 'EXPR'"}
	var tooMany promql.ErrTooManySamples
	var known *Error
	var limit *promexpr.LimitError
	var late promql.ErrQueryTimeout
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &limit):
		out.Kind, out.Hint = Invalid, "split the expression, or record parts of it by rules"
	case errors.As(err, &tooMany):
		out.Kind, out.Hint = TooLarge, "query fewer series or a shorter range"
	case errors.As(err, &late):
		out.Kind, out.Hint = TimedOut, "query fewer series or a shorter range"
	case isParseError(err):
		out.Kind, out.Hint = Invalid, parseHint(text)
	}
	return out
}

func isParseError(err error) bool {
	var one *parser.ParseErr
	var many parser.ParseErrors
	return errors.As(err, &one) || errors.As(err, &many)
}

// parseHint suggests a correction.
func parseHint(text string) string {
	if _, rest, ok := strings.Cut(text, `unknown function with name "`); ok {
		name, _, _ := strings.Cut(rest, `"`)
		known := make([]string, 0, len(parser.Functions))
		for n := range parser.Functions {
			known = append(known, n)
		}
		slices.Sort(known)
		if near := suggest.Match(name, known); near != "" {
			return fmt.Sprintf("did you mean %s()?", near)
		}
	}
	return `a query looks like this: sum by (service) (rate(grpc_server_handled_total[1m]))`
}
