package servicegraph

import (
	"slices"
	"time"
)

// bucketCount is the number of buckets of a histogram: ten a decade from 0.1 ms to 10 s, a few beyond,
// and what is longer still. A quantile is then within a quarter of the truth, and mostly much nearer.
const bucketCount = 54

// bounds are the buckets' inclusive upper ends; the last bucket has none.
var bounds = [bucketCount - 1]time.Duration{
	100e3, 125e3, 160e3, 200e3, 250e3, 315e3, 400e3, 500e3, 630e3, 800e3,
	1000e3, 1250e3, 1600e3, 2000e3, 2500e3, 3150e3, 4000e3, 5000e3, 6300e3, 8000e3,
	10e6, 12.5e6, 16e6, 20e6, 25e6, 31.5e6, 40e6, 50e6, 63e6, 80e6,
	100e6, 125e6, 160e6, 200e6, 250e6, 315e6, 400e6, 500e6, 630e6, 800e6,
	1000e6, 1250e6, 1600e6, 2000e6, 2500e6, 3150e6, 4000e6, 5000e6, 6300e6, 8000e6,
	10e9, 20e9, 60e9,
}

// bucketOf is the index of the bucket that d falls into.
func bucketOf(d time.Duration) int {
	i, _ := slices.BinarySearch(bounds[:], d)
	return i
}

// counts is a histogram over bounds.
type counts [bucketCount]int64

// quantile interpolates within the bucket that holds the quantile, as Prometheus' histogram_quantile
// does; beyond the last bound it is that bound.
func (c *counts) quantile(q float64) time.Duration {
	var total int64
	for _, n := range c {
		total += n
	}
	if total == 0 {
		return 0
	}
	rank, below := q*float64(total), 0.0
	lower := time.Duration(0)
	for i, upper := range bounds {
		n := float64(c[i])
		if n > 0 && below+n >= rank {
			return lower + time.Duration(float64(upper-lower)*max(0, rank-below)/n)
		}
		below += n
		lower = upper
	}
	return lower
}
