package tsdb

import (
	"math"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

const (
	// chunkSamples is how many samples a chunk holds, as in Prometheus: enough to compress well, few
	// enough to be read from the beginning.
	chunkSamples = 120
	// seriesBytes is the cost of a series beyond its labels and samples: the struct, its entries in maps
	// and in the index.
	seriesBytes = 400
)

// chunk is a stretch of a series. One that is full never changes again.
type chunk struct {
	xor      *chunkenc.XORChunk
	min, max int64
}

// series is one time series. The DB's lock guards it.
type series struct {
	ref    Ref
	hash   uint64
	labels labels.Labels

	full []chunk
	head chunk
	app  chunkenc.Appender
	// last is the newest value.
	last float64
}

// append adds a sample that is newer than all others, and returns by how many bytes the series grew.
func (s *series) append(t int64, v float64) int64 {
	grown := int64(0)
	if s.head.xor != nil && (s.head.xor.NumSamples() >= chunkSamples || len(s.head.xor.Bytes()) > chunkenc.MaxBytesPerXORChunkBeforeAppend) {
		before := cap(s.head.xor.Bytes())
		s.head.xor.Compact()
		grown += int64(cap(s.head.xor.Bytes()) - before)
		s.full = append(s.full, s.head)
		s.head, s.app = chunk{}, nil
	}
	if s.head.xor == nil {
		s.head = chunk{xor: chunkenc.NewXORChunk(), min: t}
		s.app, _ = s.head.xor.Appender() // an empty chunk has nothing to fail on
		grown += int64(cap(s.head.xor.Bytes()))
	}
	before := cap(s.head.xor.Bytes())
	s.app.Append(0, t, v)
	s.head.max, s.last = t, v
	return grown + int64(cap(s.head.xor.Bytes())-before)
}

// newest is the time of the last sample.
func (s *series) newest() int64 {
	if s.head.xor == nil {
		return math.MinInt64
	}
	return s.head.max
}

func (s *series) first() int64 {
	if len(s.full) > 0 {
		return s.full[0].min
	}
	return s.head.min
}

func (s *series) empty() bool { return s.head.xor == nil }

// overhead is the cost of the series without samples.
func (s *series) overhead() int64 { return seriesBytes + int64(s.labels.ByteSize()) }

// cut drops the chunks that end before t.
func (s *series) cut(t int64) (samples, bytes int64) {
	n := 0
	for n < len(s.full) && s.full[n].max < t {
		samples += int64(s.full[n].xor.NumSamples())
		bytes += int64(cap(s.full[n].xor.Bytes()))
		n++
	}
	if n > 0 {
		// Readers may hold the old list.
		s.full = append([]chunk(nil), s.full[n:]...)
	}
	if len(s.full) == 0 && s.head.xor != nil && s.head.max < t {
		samples += int64(s.head.xor.NumSamples())
		bytes += int64(cap(s.head.xor.Bytes()))
		s.head, s.app = chunk{}, nil
	}
	return samples, bytes
}

// between returns the chunks with samples from mint to maxt. The one that still grows is copied.
func (s *series) between(mint, maxt int64) []chunk {
	var found []chunk
	for i, c := range s.full {
		if c.max >= mint && c.min <= maxt {
			if found == nil {
				found = make([]chunk, 0, len(s.full)-i+1)
			}
			found = append(found, c)
		}
	}
	if s.head.xor != nil && s.head.max >= mint && s.head.min <= maxt {
		c := s.head
		c.xor = chunkenc.NewXORChunk()
		c.xor.Reset(append([]byte(nil), s.head.xor.Bytes()...))
		found = append(found, c)
	}
	return found
}
