package tsdb

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
)

// Config bounds a DB; what is zero has a default.
type Config struct {
	// Retention is how far back samples are kept, counted from the newest; default 90 minutes.
	Retention time.Duration
	// MaxSeries is how many series there may be at once; default 50,000.
	MaxSeries int
	// MaxBytes limits samples and labels together; default 64 MiB.
	MaxBytes int64
	// MaxNames is for how many metric names type and help are kept; default 5,000.
	MaxNames int
}

// trimEvery is how much time lies between two looks for samples that are too old: a chunk goes whole,
// so more often would find nothing.
const trimEvery = time.Minute

// Ref is a handle of a series, which spares the search by labels. It stays valid until the series has
// no samples left; an Append that is given one that is not returns the new one. 0 is none.
type Ref uint64

// DB is a store of series. It is safe for concurrent use.
type DB struct {
	cfg Config

	mu       sync.RWMutex
	series   map[Ref]*series
	byHash   map[uint64][]*series
	index    index
	nextRef  Ref
	metadata map[string]Metadata
	stats    counts
	newest   int64 // milliseconds, math.MinInt64 while there are no samples
	horizon  int64 // what is older has gone or goes
	trimmed  int64 // when trim looked last
	largest  uint64
}

type counts struct {
	samples, bytes           int64
	outOfOrder, tooMany, old int64
}

// Stats tell what a DB holds and what it did not take.
type Stats struct {
	Series  int
	Samples int64
	// Bytes of samples, labels and what finds them.
	Bytes int64
	// Dropped since the beginning: OutOfOrder were not newer than what their series had, TooMany would
	// have exceeded the limit of series, Evicted were dropped early to stay within the memory limit.
	OutOfOrder, TooMany, Evicted int64
	// Oldest and Newest sample, in milliseconds; 0 without samples.
	Oldest, Newest int64
}

// New makes an empty store.
func New(cfg Config) *DB {
	cfg.Retention = cmp.Or(cfg.Retention, 90*time.Minute)
	cfg.MaxSeries = cmp.Or(cfg.MaxSeries, 50_000)
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 64<<20)
	cfg.MaxNames = cmp.Or(cfg.MaxNames, 5_000)
	return &DB{
		cfg: cfg, series: map[Ref]*series{}, byHash: map[uint64][]*series{}, index: index{},
		metadata: map[string]Metadata{}, newest: math.MinInt64, horizon: math.MinInt64, trimmed: math.MinInt64,
	}
}

// Stats returns what the store holds.
func (db *DB) Stats() Stats {
	db.mu.RLock()
	defer db.mu.RUnlock()
	s := Stats{
		Series: len(db.series), Samples: db.stats.samples, Bytes: db.stats.bytes,
		OutOfOrder: db.stats.outOfOrder, TooMany: db.stats.tooMany, Evicted: db.stats.old,
	}
	if len(db.series) == 0 {
		return s
	}
	s.Newest, s.Oldest = db.newest, db.newest
	for _, sr := range db.series {
		s.Oldest = min(s.Oldest, sr.first())
	}
	return s
}

// Metadata is a target's description of a metric.
type Metadata struct {
	// Type is counter, gauge, histogram, summary or unknown.
	Type string
	Help string
	Unit string
}

// Describe keeps a target's description of a metric.
func (db *DB) Describe(name string, m Metadata) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if old, ok := db.metadata[name]; ok || len(db.metadata) < db.cfg.MaxNames {
		if m.Help == "" {
			m.Help = old.Help
		}
		if m.Type == "" {
			m.Type = old.Type
		}
		if m.Unit == "" {
			m.Unit = old.Unit
		}
		db.metadata[name] = m
	}
}

// MetadataOf returns the metadata of the metric of that name, be it a histogram's or summary's own name or
// that of one of its series.
func (db *DB) MetadataOf(name string) (Metadata, bool) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	for _, n := range family(name) {
		if m, ok := db.metadata[n]; ok {
			return m, true
		}
	}
	return Metadata{}, false
}

// Metadata returns the metadata of all metrics.
func (db *DB) Metadata() map[string]Metadata {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return maps.Clone(db.metadata)
}

// Names returns how many series there are of each metric name.
func (db *DB) Names() map[string]int {
	db.mu.RLock()
	defer db.mu.RUnlock()
	names := map[string]int{}
	for name, list := range db.index[model.MetricNameLabel] {
		names[name] = len(list)
	}
	return names
}

// Largest is how many bytes the labels of a series took at most so far.
func (db *DB) Largest() int {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return int(db.largest)
}

// trim drops what is older than the retention, or than the bytes allow. The lock is held.
func (db *DB) trim() {
	if db.newest == math.MinInt64 {
		return
	}
	horizon := db.newest - db.cfg.Retention.Milliseconds()
	if db.trimmed != math.MinInt64 && db.newest-db.trimmed < trimEvery.Milliseconds() && db.stats.bytes <= db.cfg.MaxBytes {
		return
	}
	db.trimmed = db.newest
	db.cut(horizon, false)
	for db.stats.bytes > db.cfg.MaxBytes && db.horizon < db.newest {
		// An eighth of the remaining time, so that this happens rarely.
		step := max(1, (db.newest-db.horizon)/8)
		db.cut(db.horizon+step, true)
	}
}

// cut drops chunks that end before horizon, and empty series.
func (db *DB) cut(horizon int64, early bool) {
	if horizon <= db.horizon {
		return
	}
	db.horizon = horizon
	gone := map[Ref]bool{}
	for ref, sr := range db.series {
		samples, bytes := sr.cut(horizon)
		db.stats.samples -= samples
		db.stats.bytes -= bytes
		if early {
			db.stats.old += samples
		}
		if sr.empty() {
			gone[ref] = true
			db.stats.bytes -= sr.overhead()
		}
	}
	if len(gone) == 0 {
		return
	}
	for ref := range gone {
		sr := db.series[ref]
		delete(db.series, ref)
		same := slices.DeleteFunc(db.byHash[sr.hash], func(o *series) bool { return o == sr })
		if len(same) == 0 {
			delete(db.byHash, sr.hash)
		} else {
			db.byHash[sr.hash] = same
		}
	}
	db.index.remove(gone)
	db.forgetNames()
}

// forgetNames drops the descriptions that no series needs, once there are too many of them.
func (db *DB) forgetNames() {
	if len(db.metadata) < db.cfg.MaxNames {
		return
	}
	used := map[string]bool{}
	for name := range db.index[model.MetricNameLabel] {
		for _, n := range family(name) {
			used[n] = true
		}
	}
	for name := range db.metadata {
		if !used[name] {
			delete(db.metadata, name)
		}
	}
}
