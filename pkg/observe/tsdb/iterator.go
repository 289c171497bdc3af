package tsdb

import (
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// milliseconds since 1970, as everywhere in Prometheus.
type milliseconds = int64

// iterator reads the chunks of a series in order, within its time range.
type iterator struct {
	chunks     []chunk
	mint, maxt int64
	at         int
	current    chunkenc.Iterator
	state      chunkenc.ValueType
}

func (it *iterator) reset(s *selected) {
	it.chunks, it.mint, it.maxt, it.at, it.state = s.chunks, s.mint, s.maxt, 0, chunkenc.ValNone
	it.open()
}

// open begins with the chunk at it.at.
func (it *iterator) open() {
	if it.at < len(it.chunks) {
		it.current = it.chunks[it.at].xor.Iterator(it.current)
	}
}

// Next implements chunkenc.Iterator.
func (it *iterator) Next() chunkenc.ValueType {
	for it.at < len(it.chunks) {
		for it.current.Next() != chunkenc.ValNone {
			t := it.current.AtT()
			if t > it.maxt {
				it.at = len(it.chunks)
				break
			}
			if t >= it.mint {
				it.state = chunkenc.ValFloat
				return it.state
			}
		}
		it.at++
		it.open()
	}
	it.state = chunkenc.ValNone
	return it.state
}

// Seek implements chunkenc.Iterator.
func (it *iterator) Seek(t milliseconds) chunkenc.ValueType {
	if it.state != chunkenc.ValNone && it.current.AtT() >= t {
		return it.state
	}
	skipped := false
	for it.at < len(it.chunks) && it.chunks[it.at].max < t {
		it.at++
		skipped = true
	}
	if skipped {
		it.open()
	}
	for it.Next() != chunkenc.ValNone {
		if it.current.AtT() >= t {
			break
		}
	}
	return it.state
}

// At implements chunkenc.Iterator.
func (it *iterator) At() (int64, float64) { return it.current.At() }

// AtT implements chunkenc.Iterator.
func (it *iterator) AtT() int64 { return it.current.AtT() }

// AtST implements chunkenc.Iterator: start times are not kept.
func (it *iterator) AtST() int64 { return 0 }

// AtHistogram implements chunkenc.Iterator: there are no native histograms here.
func (it *iterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) { return 0, nil }

// AtFloatHistogram implements chunkenc.Iterator, as AtHistogram does.
func (it *iterator) AtFloatHistogram(*histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	return 0, nil
}

// Err implements chunkenc.Iterator.
func (it *iterator) Err() error {
	if it.current == nil {
		return nil
	}
	return it.current.Err()
}
