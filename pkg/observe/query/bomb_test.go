package query

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

// large is an engine over as many series as a busy shop has, a minute long.
func large(t *testing.T) (*Engine, time.Time) {
	t.Helper()
	db := tsdb.New(tsdb.Config{})
	for i := range int64(13) {
		a := db.Appender()
		for n := range 5000 {
			ls := labels.FromStrings(model.MetricNameLabel, fmt.Sprintf("metric_%d", n%200),
				"instance", fmt.Sprintf("127.0.0.1:%d", 40000+n), "le", fmt.Sprint(n%17), "pod", fmt.Sprintf("checkoutservice-%d-abcdefghij", n%40))
			if _, err := a.Append(0, ls, i*5000, float64(i*int64(n))); err != nil {
				t.Fatal(err)
			}
		}
		a.Close()
	}
	e := New(db)
	t.Cleanup(func() { e.Close() })
	return e, time.UnixMilli(60_000)
}

const everything = `{__name__=~".+"}`

// bombs are expressions that cost far more than their length, as far as they are known.
func bombs() map[string]string {
	nested := everything
	for i := range 12 {
		nested = fmt.Sprintf(`label_replace(%s,"a%d","$1$1$1$1","instance","(.*)")`, nested, i)
	}
	doubled := `vector(1)`
	for range 60 {
		doubled = `label_replace(` + doubled + `,"a","$1$1x","a","(.*)")`
	}
	return map[string]string{
		"label_replace, long":       `label_replace(` + everything + `,"a","` + strings.Repeat("$1", 20000) + `","__name__","(.*)")`,
		"label_replace, under 16kB": `label_replace(` + everything + `,"a","` + strings.Repeat("$1", 8000) + `","__name__","(.*)")`,
		"label_replace, nested":     nested,
		"label_replace, doubled":    doubled,
		"label_join":                `label_join(` + everything + `,"a","` + strings.Repeat("x", 9000) + `"` + strings.Repeat(`,"instance"`, 400) + `)`,
		"sum of ones":               strings.Repeat("1+", 200_000) + "1",
		"sum of ones, under 16kB":   strings.Repeat("1+", 8000) + "1",
		"brackets":                  strings.Repeat("(", 8000) + "1" + strings.Repeat(")", 8000),
		"or":                        strings.Repeat(everything+" or ", 700) + everything,
		"or, few":                   strings.Repeat(everything+" or ", 40) + everything,
		"product":                   everything + ` * on() group_left() ` + everything,
		"count_values":              `count_values("v", ` + everything + `)`,
		"topk":                      `topk(1000000000, ` + everything + `)`,
		"quantile of everything":    `sort_desc(quantile by (instance, pod, le) (0.5, ` + everything + `))`,
		"subquery":                  `count_over_time(vector(1)[1y:1ms])`,
		"subquery of everything":    `max_over_time(` + everything + `[1h:10ms])`,
		"subquery, nested":          `max_over_time(max_over_time(max_over_time(` + everything + `[1h:1s])[1h:1s])[1h:1s])`,
		"subquery of a hundred y":   `sum(sum_over_time(` + everything + `[100y:1s]))`,
		"offset":                    `rate(` + everything + `[5m] offset -100y) or rate(` + everything + `[5m] offset 100y)`,
		"@":                         strings.Repeat(`rate(`+everything+`[1h] @ 60) + `, 10) + `1`,
		"absent":                    `absent(` + `{` + strings.Repeat(`a="b",`, 300) + `__name__="x"})`,
		"group labels":              `sum by (` + strings.Repeat("abc,", 900) + `a) (` + everything + `)`,
		"regular expression":        `{__name__=~"` + strings.Repeat(`(.*a.*|.*b.*)*`, 250) + `"}`,
		"repetition":                `{instance=~"(1?2?7?.?0?){150}"}`,
		"string":                    `"` + strings.Repeat("x", 16000) + `"`,
		"histogram_quantile":        strings.Repeat(`histogram_quantile(0.9, `+everything+`) or `, 20) + `vector(1)`,
	}
}

func TestNoExpressionTakesMuchMemoryOrTime(t *testing.T) {
	e, now := large(t)
	for name, expr := range bombs() {
		t.Run(name, func(t *testing.T) {
			peak, stop := watchHeap()
			began := time.Now()
			err := ask(t, func(ctx context.Context) error {
				return e.Instant(ctx, expr, now, func(Result) error { return nil })
			})
			errRange := ask(t, func(ctx context.Context) error {
				return e.Range(ctx, expr, now.Add(-time.Minute), now, time.Second, func(Result) error { return nil })
			})
			stop()
			t.Logf("%s, peak +%d MB: %v; %v", time.Since(began).Round(time.Millisecond), *peak>>20, err, errRange)
			var wrong *Error
			if err != nil && !errors.As(err, &wrong) || errRange != nil && !errors.As(errRange, &wrong) {
				t.Errorf("not a query's error: %v; %v", err, errRange)
			}
			if wrong != nil && wrong.Hint == "" {
				t.Errorf("no hint: %v", wrong)
			}
			if *peak > maxMemory {
				t.Errorf("it took %d MB", *peak>>20)
			}
		})
	}
}

// ask makes one query, which must end by itself: at the latest when its own time is over.
func ask(t *testing.T, query func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*timeout)
	defer cancel()
	err := query(ctx)
	if ctx.Err() != nil {
		t.Error("it took longer than a query may")
	}
	return err
}

// watchHeap returns by how much the heap grew at most until stop is called.
func watchHeap() (peak *uint64, stop func()) {
	before, done, end := heap(), make(chan struct{}), make(chan struct{})
	peak = new(uint64)
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				if now := heap(); now > before {
					*peak = max(*peak, now-before)
				}
			}
		}
	}()
	return peak, func() { close(end); <-done }
}

func TestTheQueriesOfOthersDoNotDelayRules(t *testing.T) {
	e, now := counting(t)
	for range atOnce {
		e.turn <- struct{}{} // all slots are taken
	}
	if err := e.Rule(t.Context(), `up`, now, func(Result) error { return nil }); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Instant(ctx, `up`, now, func(Result) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a query without a slot: %v", err)
	}
}

func TestAQueryThatGrowsTheProcessIsStopped(t *testing.T) {
	ctx, stop := watchMemory(t.Context())
	defer stop()
	var held [][]byte
	for ctx.Err() == nil && len(held) < 1024 {
		held = append(held, make([]byte, 1<<20))
	}
	<-ctx.Done()
	if context.Cause(ctx) != error(errMemory) {
		t.Errorf("after %d MB: %v", len(held), context.Cause(ctx))
	}
}
