package tsdb

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

const (
	shopInstances = 12
	shopSeries    = 300
	shopPace      = 5000 // milliseconds
)

// anHour fills a store with an hour of a shop: counters that grow now and then, as most do.
func anHour(tb testing.TB) (*DB, time.Time) {
	tb.Helper()
	db := New(Config{})
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, shopInstances*shopSeries)
	refs := make([]Ref, len(values))
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
				tb.Fatal(err)
			}
		}
		a.Close()
	}
	return db, time.UnixMilli(end)
}

func BenchmarkAppendOneScrapeOfTheShop(b *testing.B) {
	db := New(Config{MaxBytes: math.MaxInt64, Retention: time.Hour})
	refs := make([]Ref, shopInstances*shopSeries)
	for n := 0; b.Loop(); n++ {
		a := db.Appender()
		for i := range refs {
			ls := labels.EmptyLabels()
			if refs[i] == 0 {
				ls = labels.FromStrings(model.MetricNameLabel, "m", "i", fmt.Sprint(i))
			}
			refs[i], _ = a.Append(refs[i], ls, int64(n)*shopPace, float64(n*i%1000))
		}
		a.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(refs)), "ns/sample")
}

func BenchmarkPromQLOverAnHourOfTheShop(b *testing.B) {
	db, end := anHour(b)
	stats := db.Stats()
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{}),
	})
	defer engine.Close()
	for name, expr := range map[string]string{
		"rate":     `sum by (pod) (rate(metric_3_bucket[1m]))`,
		"quantile": `histogram_quantile(0.95, sum by (le, job) (rate(metric_5_bucket[1m])))`,
		"ratio":    `sum(rate(metric_1_bucket{le="3"}[5m])) / sum(rate(metric_1_bucket[5m]))`,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				q, err := engine.NewRangeQuery(b.Context(), db, nil, expr, end.Add(-time.Hour), end, 15*time.Second)
				if err != nil {
					b.Fatal(err)
				}
				if res := q.Exec(b.Context()); res.Err != nil {
					b.Fatal(res.Err)
				}
				q.Close()
			}
			b.ReportMetric(float64(stats.Bytes)/float64(stats.Samples), "B/sample")
		})
	}
}
