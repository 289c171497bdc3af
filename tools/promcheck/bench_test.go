package promcheck

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	promtsdb "github.com/prometheus/prometheus/tsdb"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

// BenchmarkPromQL asks a shop's hour of both storages, through the same engine: twelve instances with three
// hundred series each, scraped every five seconds.
func BenchmarkPromQL(b *testing.B) {
	const instances, perInstance, points = 12, 300, 720
	ours := tsdb.New(tsdb.Config{})
	options := promtsdb.DefaultOptions()
	options.RetentionDuration = 0
	theirs, err := promtsdb.Open(b.TempDir(), nil, nil, options, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer theirs.Close()
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, instances*perInstance)
	series := make([]labels.Labels, len(values))
	for i := range series {
		series[i] = labels.FromStrings("__name__", fmt.Sprintf("metric_%d_bucket", i%perInstance/16), "le", fmt.Sprint(i%16), "pod", fmt.Sprint(i/perInstance))
	}
	for n := range points {
		at := begin().Add(time.Duration(n) * 5 * time.Second).UnixMilli()
		a, theirA := ours.Appender(), theirs.Appender(b.Context())
		for i := range values {
			if random.IntN(4) == 0 {
				values[i] += float64(random.IntN(20))
			}
			if _, err := a.Append(0, series[i], at, values[i]); err != nil {
				b.Fatal(err)
			}
			if _, err := theirA.Append(0, series[i], at, values[i]); err != nil {
				b.Fatal(err)
			}
		}
		a.Close()
		if err := theirA.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 50_000_000, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
	defer engine.Close()
	const expr = `histogram_quantile(0.95, sum by (le, pod) (rate(metric_5_bucket[1m])))`
	took := map[string]float64{}
	for _, store := range []struct {
		name string
		q    storage.Queryable
	}{{"prometheus", theirs}, {"shop", ours}} {
		b.Run(store.name, func(b *testing.B) {
			for b.Loop() {
				q, err := engine.NewRangeQuery(b.Context(), store.q, nil, expr, begin(), begin().Add(time.Hour), 15*time.Second)
				if err != nil {
					b.Fatal(err)
				}
				if res := q.Exec(b.Context()); res.Err != nil {
					b.Fatal(res.Err)
				}
				q.Close()
			}
			took[store.name] = float64(b.Elapsed().Nanoseconds()) / float64(b.N)
			if theirs := took["prometheus"]; theirs > 0 {
				b.ReportMetric(took[store.name]/theirs, "x-prometheus")
			}
		})
	}
}
