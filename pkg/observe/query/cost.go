package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/metrics"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

const (
	// maxLabelBytes bounds the labels that the functions of an expression make, maxSeries the series that it selects.
	maxLabelBytes, maxSeries = 64 << 20, 250_000
	// maxPoints bounds the values of a part of an expression, as if each of its series had one at each step.
	maxPoints = 4_000_000
	// maxMemory is by how much the process may grow while a query runs. It is for what the other limits do not know.
	maxMemory = 256 << 20
	// memoryPause is how often that is checked.
	memoryPause = 10 * time.Millisecond
)

// affordable refuses an expression whose series, points or labels would take too much memory: the engine counts the samples
// that it holds, not what it is about to allocate for them. It is an upper bound by what the store holds.
func (e *Engine) affordable(ctx context.Context, expr parser.Expr, span, step time.Duration) error {
	q, err := e.store.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		return err
	}
	defer q.Close()
	c := coster{largest: float64(e.store.Largest()), count: func(n *parser.VectorSelector) (series float64) {
		for set := q.Select(ctx, false, nil, n.LabelMatchers...); set.Next(); {
			series++
		}
		return series
	}}
	c.of(expr, steps(span, step))
	switch {
	case c.selected > maxSeries:
		return &Error{Kind: TooLarge, Text: fmt.Sprintf("the expression selects more than the limit of %d series", maxSeries), Hint: "select fewer series: by a metric's name, by labels"}
	case c.points > maxPoints:
		return &Error{Kind: TooLarge, Text: fmt.Sprintf("the expression needs %.0f million values, over the limit of %d million", c.points/1e6, maxPoints/1_000_000), Hint: "query fewer series or a shorter range, or use a longer step"}
	case c.made > maxLabelBytes:
		return &Error{Kind: TooLarge, Text: fmt.Sprintf("label_replace and label_join would make up to %.0f MB of labels, over the limit of %d MB", c.made/(1<<20), maxLabelBytes>>20), Hint: "aggregate first, or make shorter labels"}
	}
	return nil
}

// times are those at which a part of an expression is evaluated.
type times struct {
	span  time.Duration
	count float64
}

func steps(span, step time.Duration) times {
	return times{span, float64(span)/float64(max(step, time.Millisecond)) + 1}
}

// coster adds up what an expression costs. Numbers are floating-point, as they may be astronomical.
type coster struct {
	count   func(*parser.VectorSelector) float64
	largest float64
	// selected are the series of all selectors, points the values of the largest part, made the bytes of labels that functions make.
	selected, points, made float64
}

// size is an upper bound of a result.
type size struct {
	series float64
	// value is the length of the longest label, total that of all labels of a series.
	value, total float64
}

func (c *coster) of(n parser.Node, at times) size {
	switch n := n.(type) {
	case *parser.VectorSelector:
		return c.selector(n, at)
	case *parser.Call:
		return c.call(n, at)
	case *parser.BinaryExpr:
		return c.binary(n, at)
	case *parser.SubqueryExpr:
		step := n.Step
		if step == 0 {
			step = subqueryStep
		}
		at = steps(at.span+n.Range, step)
		c.points = math.Max(c.points, at.count)
	}
	var most size
	for child := range parser.ChildrenIter(n) {
		most = most.max(c.of(child, at))
	}
	return most
}

func (s size) max(o size) size {
	return size{math.Max(s.series, o.series), math.Max(s.value, o.value), math.Max(s.total, o.total)}
}

func (c *coster) selector(n *parser.VectorSelector, at times) size {
	if c.selected > maxSeries {
		return size{} // it is refused already
	}
	series := c.count(n)
	c.selected += series
	c.points = math.Max(c.points, series*at.count)
	return size{series, c.largest, c.largest}
}

func (c *coster) binary(n *parser.BinaryExpr, at times) size {
	left, right := c.of(n.LHS, at), c.of(n.RHS, at)
	both := left.max(right)
	if n.Op == parser.LOR {
		both.series = left.series + right.series
	}
	if v := n.VectorMatching; v != nil && len(v.Include) > 0 {
		both.total = left.total + right.total
	}
	return both
}

func (c *coster) call(n *parser.Call, at times) size {
	var most size
	for _, arg := range n.Args {
		most = most.max(c.of(arg, at))
	}
	var made float64
	switch n.Func.Name {
	case "label_replace":
		// Each reference may be all of the label that it is taken from.
		text := literal(n.Args, 2)
		made = float64(len(text)) + float64(strings.Count(text, "$"))*most.value
	case "label_join":
		made = float64(len(n.Args)) * (most.value + float64(len(literal(n.Args, 2))))
	default:
		return most
	}
	most.value = math.Max(most.value, made)
	most.total += made
	c.made += most.series * most.total
	return most
}

func literal(args parser.Expressions, i int) string {
	if i < len(args) {
		if s, ok := args[i].(*parser.StringLiteral); ok {
			return s.Val
		}
	}
	return ""
}

var errMemory = &Error{Kind: TooLarge, Text: fmt.Sprintf("the query takes more than %d MB", maxMemory>>20), Hint: "query fewer series or a shorter range"}

// watchMemory returns a context that ends when the process has grown by too much. stop ends the watch.
func watchMemory(ctx context.Context) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	before := heap()
	go func() {
		defer close(done)
		tick := time.NewTicker(memoryPause)
		defer tick.Stop()
		for {
			select {
			case <-watched.Done():
				return
			case <-tick.C:
				if now := heap(); now > before && now-before > maxMemory {
					cancel(errMemory)
				}
			}
		}
	}()
	return watched, func() {
		cancel(errors.New("the query is done"))
		<-done
	}
}

// heap is how many bytes the objects on the heap take, with those that are garbage but not collected yet.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
