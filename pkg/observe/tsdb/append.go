package tsdb

import (
	"errors"
	"math"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// The errors of Append. None of it is worth more than a count: the rest of a batch is taken.
var (
	// ErrOutOfOrder: the series has a sample that is as new or newer, with another value.
	ErrOutOfOrder = errors.New("sample is not newer than the last of its series")
	// ErrTooMany: the series is new, and there are as many as there may be.
	ErrTooMany = errors.New("too many series")
	// ErrNameless: the series has no metric name.
	ErrNameless = errors.New("series has no metric name")
)

// StaleNaN marks in a series that its target does not have it any more.
func StaleNaN() float64 { return math.Float64frombits(value.StaleNaN) }

// Appender adds samples. It holds the store's lock from Appender to Close, so that queries see the samples
// of one scrape all or not at all; its holder does nothing else meanwhile.
type Appender struct{ db *DB }

// Appender begins a batch, which Close ends.
func (db *DB) Appender() *Appender {
	db.mu.Lock()
	return &Appender{db}
}

// Append adds a sample to the series with these labels, at t in milliseconds. ref may be what an earlier
// call returned for the same labels, or 0. A sample that exists already is not an error.
func (a *Appender) Append(ref Ref, ls labels.Labels, t int64, v float64) (Ref, error) {
	db := a.db
	sr := db.series[ref]
	if sr == nil {
		var err error
		if sr, err = db.create(ls); err != nil {
			return 0, err
		}
	}
	if newest := sr.newest(); t <= newest {
		if t == newest && math.Float64bits(v) == math.Float64bits(sr.last) {
			return sr.ref, nil
		}
		db.stats.outOfOrder++
		return sr.ref, ErrOutOfOrder
	}
	if t < db.horizon {
		db.stats.outOfOrder++
		db.dropIfEmpty(sr)
		return 0, ErrOutOfOrder
	}
	db.stats.bytes += sr.append(t, v)
	db.stats.samples++
	db.newest = max(db.newest, t)
	return sr.ref, nil
}

// Close ends the batch.
func (a *Appender) Close() {
	a.db.trim()
	a.db.mu.Unlock()
}

// create finds or makes the series with these labels.
func (db *DB) create(ls labels.Labels) (*series, error) {
	hash := ls.Hash()
	for _, sr := range db.byHash[hash] {
		if labels.Equal(sr.labels, ls) {
			return sr, nil
		}
	}
	if ls.Get(model.MetricNameLabel) == "" {
		return nil, ErrNameless
	}
	if len(db.series) >= db.cfg.MaxSeries {
		db.stats.tooMany++
		return nil, ErrTooMany
	}
	db.nextRef++
	sr := &series{ref: db.nextRef, hash: hash, labels: ls}
	db.series[sr.ref] = sr
	db.byHash[hash] = append(db.byHash[hash], sr)
	db.index.add(sr)
	db.stats.bytes += sr.overhead()
	db.largest = max(db.largest, ls.ByteSize())
	return sr, nil
}

// dropIfEmpty undoes create for a series that got no sample.
func (db *DB) dropIfEmpty(sr *series) {
	if !sr.empty() {
		return
	}
	delete(db.series, sr.ref)
	same := db.byHash[sr.hash]
	for i, o := range same {
		if o == sr {
			db.byHash[sr.hash] = append(same[:i:i], same[i+1:]...)
			break
		}
	}
	db.index.remove(map[Ref]bool{sr.ref: true})
	db.stats.bytes -= sr.overhead()
}
