package scrape

import (
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

// ownSeries are those that the scrape itself adds.
type ownSeries struct {
	up, duration, samples cached
}

// Names of what every scrape adds, as in Prometheus.
const (
	nameUp       = "up"
	nameDuration = "scrape_duration_seconds"
	nameSamples  = "scrape_samples_scraped"
)

func newLoop(t Target) *loop {
	l := &loop{target: t, series: map[string]*cached{}, described: map[string]tsdb.Metadata{}}
	for name, c := range map[string]*cached{nameUp: &l.own.up, nameDuration: &l.own.duration, nameSamples: &l.own.samples} {
		c.labels = labels.NewBuilder(t.Labels).Set(model.MetricNameLabel, name).Labels()
	}
	return l
}

// describeOwn gives the metadata of these series to the store.
func describeOwn(db *tsdb.DB) {
	for name, help := range map[string]string{
		nameUp:       "1 if the last scrape of the target went well, else 0.",
		nameDuration: "How long the scrape took.",
		nameSamples:  "How many samples the target had.",
	} {
		db.Describe(name, tsdb.Metadata{Type: "gauge", Help: help})
	}
}

// put appends a sample; what the store refuses, it counts.
func (c *cached) put(a *tsdb.Appender, at int64, v float64) {
	if ref, err := a.Append(c.ref, c.labels, at, v); err == nil {
		c.ref = ref
	}
}

// store writes what a scrape found, and marks what it did not find any more.
func (l *loop) store(db *tsdb.DB, at int64, took time.Duration, err error) {
	a := db.Appender()
	defer a.Close()
	up, samples := 1.0, float64(len(l.samples))
	if err != nil {
		up, samples = 0, 0
		l.round++ // nothing of the last scrape has been seen
		l.samples = l.samples[:0]
	}
	for _, s := range l.samples {
		s.series.put(a, at, s.value)
	}
	for text, c := range l.series {
		if c.seen != l.round {
			if c.ref != 0 {
				c.put(a, at, tsdb.StaleNaN())
			}
			delete(l.series, text)
		}
	}
	l.own.up.put(a, at, up)
	l.own.duration.put(a, at, took.Seconds())
	l.own.samples.put(a, at, samples)
}

// end marks all series of a target that is gone.
func (l *loop) end(db *tsdb.DB, at int64) {
	a := db.Appender()
	defer a.Close()
	for _, c := range l.series {
		if c.ref != 0 {
			c.put(a, at, tsdb.StaleNaN())
		}
	}
	for _, c := range []*cached{&l.own.up, &l.own.duration, &l.own.samples} {
		if c.ref != 0 {
			c.put(a, at, tsdb.StaleNaN())
		}
	}
	l.series = map[string]*cached{}
}
