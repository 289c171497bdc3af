package tsdb

import (
	"context"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

var _ storage.Queryable = (*DB)(nil)

// Querier implements storage.Queryable: mint and maxt are milliseconds, both inclusive.
func (db *DB) Querier(mint, maxt int64) (storage.Querier, error) {
	return &querier{db: db, mint: mint, maxt: maxt}, nil
}

type querier struct {
	db         *DB
	mint, maxt int64
}

// Select implements storage.Querier. The result is a picture of the moment: what is appended later is not
// in it, and the caller may take its time.
func (q *querier) Select(_ context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	mint, maxt := q.mint, q.maxt
	if hints != nil {
		mint, maxt = max(mint, hints.Start), min(maxt, hints.End)
	}
	set := &seriesSet{at: -1}
	q.db.mu.RLock()
	for _, sr := range q.db.find(matchers) {
		if chunks := sr.between(mint, maxt); len(chunks) > 0 {
			set.series = append(set.series, selected{labels: sr.labels, chunks: chunks, mint: mint, maxt: maxt})
		}
	}
	q.db.mu.RUnlock()
	if sorted {
		slices.SortFunc(set.series, func(a, b selected) int { return labels.Compare(a.labels, b.labels) })
	}
	if hints != nil && hints.Limit > 0 && len(set.series) > hints.Limit {
		set.series = set.series[:hints.Limit]
	}
	return set
}

// LabelValues implements storage.LabelQuerier.
func (q *querier) LabelValues(_ context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	seen := map[string]bool{}
	q.each(matchers, func(ls labels.Labels) {
		if v := ls.Get(name); v != "" {
			seen[v] = true
		}
	})
	return limited(seen, hints), nil, nil
}

// LabelNames implements storage.LabelQuerier.
func (q *querier) LabelNames(_ context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	seen := map[string]bool{}
	q.each(matchers, func(ls labels.Labels) {
		ls.Range(func(l labels.Label) { seen[l.Name] = true })
	})
	return limited(seen, hints), nil, nil
}

// each visits the series that have samples in the querier's time.
func (q *querier) each(matchers []*labels.Matcher, visit func(labels.Labels)) {
	q.db.mu.RLock()
	defer q.db.mu.RUnlock()
	for _, sr := range q.db.find(matchers) {
		if sr.first() <= q.maxt && sr.newest() >= q.mint {
			visit(sr.labels)
		}
	}
}

func limited(seen map[string]bool, hints *storage.LabelHints) []string {
	words := make([]string, 0, len(seen))
	for w := range seen {
		words = append(words, w)
	}
	slices.Sort(words)
	if hints != nil && hints.Limit > 0 && len(words) > hints.Limit {
		words = words[:hints.Limit]
	}
	return words
}

// Close implements storage.Querier.
func (q *querier) Close() error { return nil }

type seriesSet struct {
	series []selected
	at     int
}

func (s *seriesSet) Next() bool {
	s.at++
	return s.at < len(s.series)
}

func (s *seriesSet) At() storage.Series                { return &s.series[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// selected is a series as it was when it was selected.
type selected struct {
	labels     labels.Labels
	chunks     []chunk
	mint, maxt int64
}

func (s *selected) Labels() labels.Labels { return s.labels }

func (s *selected) Iterator(reuse chunkenc.Iterator) chunkenc.Iterator {
	it, ok := reuse.(*iterator)
	if !ok {
		it = &iterator{}
	}
	it.reset(s)
	return it
}
