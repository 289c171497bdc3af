package query

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counting is an engine over a counter that grows by two a second for a minute.
func counting(t *testing.T) (*Engine, time.Time) {
	t.Helper()
	db := tsdb.New(tsdb.Config{})
	for i := range int64(61) {
		a := db.Appender()
		if _, err := a.Append(0, labels.FromStrings(model.MetricNameLabel, "orders_total"), i*1000, float64(2*i)); err != nil {
			t.Fatal(err)
		}
		a.Close()
	}
	e := New(db)
	t.Cleanup(func() { e.Close() })
	return e, time.UnixMilli(60_000)
}

func TestAQueryHasAResult(t *testing.T) {
	e, now := counting(t)
	err := e.Instant(t.Context(), `rate(orders_total[30s])`, now, func(a Result) error {
		if a.Value.String() != "{} => 2 @[60000]" {
			t.Errorf("got %s", a.Value)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	err = e.Range(t.Context(), `orders_total`, now.Add(-20*time.Second), now, 10*time.Second, func(a Result) error {
		if a.Value.Type() != parser.ValueTypeMatrix || strings.Count(a.Value.String(), "@") != 3 {
			t.Errorf("got %s", a.Value)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestMistakesAreReportedWithTheirPlaceAndAHint(t *testing.T) {
	e, now := counting(t)
	for expr, want := range map[string][2]string{
		"ratee(orders_total[1m])": {`1:1: parse error: unknown function with name "ratee"`, "did you mean rate()?"},
		"sum(\n  rate(up[1x]))":   {`2:`, "a query looks like this"},
		"orders_total":            {"", ""},
		"orders_total * on(a) group_left(b) (orders_total or vector(1))": {"", ""},
	} {
		err := e.Instant(t.Context(), expr, now, func(Result) error { return nil })
		var wrong *Error
		switch {
		case want[0] == "" && err != nil:
			t.Errorf("%s: %v", expr, err)
		case want[0] != "" && (!errors.As(err, &wrong) || !strings.HasPrefix(wrong.Text, want[0]) || !strings.HasPrefix(wrong.Hint, want[1]) || wrong.Kind != Invalid):
			t.Errorf("%s: %+v", expr, err)
		}
	}
	for _, c := range []struct{ back, step time.Duration }{{time.Hour, 0}, {-time.Hour, time.Second}, {time.Hour, time.Millisecond}} {
		var wrong *Error
		if err := e.Range(t.Context(), "up", now.Add(-c.back), now, c.step, nil); !errors.As(err, &wrong) || wrong.Hint == "" {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestAnUnknownNameIsReported(t *testing.T) {
	e, _ := counting(t)
	if got := e.Missing(`rate(order_total[1m]) / orders_total`); len(got) != 1 || got[0] != `there is no metric "order_total"; did you mean "orders_total"?` {
		t.Errorf("%q", got)
	}
	if got := e.Missing(`orders_total{job="x"}`); len(got) != 0 {
		t.Errorf("%q", got)
	}
}
