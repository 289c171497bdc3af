package tsdb

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

const (
	shopInstances = 12
	shopSeries    = 300
	shopPace      = 5000 // milliseconds
)

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
