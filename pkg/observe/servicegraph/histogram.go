package servicegraph

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Durations are counted in exponential buckets, as in Prometheus' native histograms of schema 7: the upper end of each is
// 2^(1/128) times that of the one before, or 0.54 percent more. A quantile is the middle of its bucket, and so within 0.3
// percent of the exact one.
const (
	perDoubling = 128
	// maxBucket bounds the buckets: 2^43 ns are more than two hours.
	maxBucket = 43 * perDoubling
)

// bucketOf is the number of the bucket that d falls into: the first is for zero and below a nanosecond.
func bucketOf(d time.Duration) uint16 {
	if d <= 1 {
		return 0
	}
	return uint16(min(math.Ceil(math.Log2(float64(d))*perDoubling), maxBucket))
}

// middle is the duration that stands in the middle of a bucket.
func middle(bucket int) time.Duration {
	if bucket == 0 {
		return 0
	}
	return time.Duration(math.Exp2((float64(bucket) - 0.5) / perDoubling))
}

// counted is how many durations of a second fell into a bucket. A second has few distinct ones.
type counted struct{ bucket, n uint16 }

// count adds a duration to those of a second.
func count(list []counted, d time.Duration) []counted {
	bucket := bucketOf(d)
	for i := range list {
		if list[i].bucket == bucket {
			increase(&list[i].n)
			return list
		}
	}
	return append(list, counted{bucket, 1})
}

// histogram adds up seconds. It is large, so that one is used again and again.
type histogram struct {
	counts    [maxBucket + 1]int64
	total     int64
	low, high int // of the buckets that are not empty
}

// reset makes it empty.
func (h *histogram) reset() {
	if h.total > 0 {
		clear(h.counts[h.low : h.high+1])
	}
	h.total, h.low, h.high = 0, maxBucket, 0
}

func (h *histogram) add(list []counted) {
	for _, c := range list {
		h.counts[c.bucket] += int64(c.n)
		h.total += int64(c.n)
		h.low, h.high = min(h.low, int(c.bucket)), max(h.high, int(c.bucket))
	}
}

// quantiles are those of what was added, by the nearest rank; qs ascend.
func (h *histogram) quantiles(qs [3]float64) (out [3]time.Duration) {
	if h.total == 0 {
		return out
	}
	bucket, below := h.low, h.counts[h.low]
	for i, q := range qs {
		for rank := max(1, int64(math.Ceil(q*float64(h.total)))); below < rank && bucket < h.high; {
			bucket++
			below += h.counts[bucket]
		}
		out[i] = middle(bucket)
	}
	return out
}

// Quantile is that of a list of durations, with the resolution of a graph: both show the same number for the same calls.
func Quantile(took []time.Duration, q float64) time.Duration {
	if len(took) == 0 {
		return 0
	}
	sorted := slices.Clone(took)
	slices.SortFunc(sorted, cmp.Compare[time.Duration])
	rank := max(1, int(math.Ceil(q*float64(len(sorted)))))
	return middle(int(bucketOf(sorted[rank-1])))
}
