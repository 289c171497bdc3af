package bench

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

const (
	shopInstances = 12
	shopSeries    = 300
	shopPace      = 5000 // milliseconds
)

// anHour fills a store with an hour of a shop: counters that grow now and then, as most do.
func anHour(b *testing.B) (*tsdb.DB, time.Time) {
	b.Helper()
	db := tsdb.New(tsdb.Config{})
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, shopInstances*shopSeries)
	refs := make([]tsdb.Ref, len(values))
	end := int64(3600_000)
	for at := int64(0); at <= end; at += shopPace {
		a := db.Appender()
		for i := range values {
			if random.IntN(4) == 0 {
				values[i] += float64(random.IntN(20))
			}
			ls := labels.EmptyLabels()
			if refs[i] == 0 {
				pod := i / shopSeries
				ls = labels.FromStrings(model.MetricNameLabel, fmt.Sprintf("metric_%d_bucket", i%shopSeries/16),
					"le", fmt.Sprint(i%16), "pod", fmt.Sprintf("service-%d", pod), "job", fmt.Sprint(pod), "namespace", "production")
			}
			var err error
			if refs[i], err = a.Append(refs[i], ls, at, values[i]); err != nil {
				b.Fatal(err)
			}
		}
		a.Close()
	}
	return db, time.UnixMilli(end)
}

// BenchmarkPromQL evaluates expressions of dashboards over an hour of a shop's metrics; the slowest counts.
func BenchmarkPromQL(b *testing.B) {
	for b.Loop() {
		db, end := anHour(b)
		engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 50_000_000, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
		slowest := time.Duration(0)
		for _, expr := range []string{
			`sum by (pod) (rate(metric_3_bucket[1m]))`,
			`histogram_quantile(0.95, sum by (le, job) (rate(metric_5_bucket[1m])))`,
			`sum(rate(metric_1_bucket{le="3"}[5m])) / sum(rate(metric_1_bucket[5m]))`,
		} {
			var times []time.Duration
			for range 5 {
				times = append(times, evaluate(b, engine, db, expr, end))
			}
			slowest = max(slowest, median(times))
		}
		if err := engine.Close(); err != nil {
			b.Fatal(err)
		}
		stats := db.Stats()
		b.ReportMetric(float64(stats.Bytes)/float64(stats.Samples), "B/sample")
		check(b, "PromQL", float64(slowest.Microseconds())/1000)
	}
}

// evaluate evaluates an expression over the hour before end, a point every fifteen seconds.
func evaluate(b *testing.B, engine *promql.Engine, db *tsdb.DB, expr string, end time.Time) time.Duration {
	b.Helper()
	start := time.Now()
	q, err := engine.NewRangeQuery(b.Context(), db, nil, expr, end.Add(-time.Hour), end, 15*time.Second)
	if err != nil {
		b.Fatal(err)
	}
	defer q.Close()
	if res := q.Exec(b.Context()); res.Err != nil {
		b.Fatal(res.Err)
	}
	return time.Since(start)
}
