package observe

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

const (
	// statsWindow is what rates and quantiles are computed over.
	statsWindow = 10 * time.Second
	// maxHistory bounds the points of a sparkline.
	maxHistory = 60
)

// sample is the state of one instance's counters at one time.
type sample struct {
	at time.Time
	counters
}

// series are the samples of one run of an instance within the window, and the one just before it.
type series struct {
	workload string
	samples  []sample
}

// window is what happened to a workload within the window.
type window struct {
	requests, errors float64
	span             time.Duration
	buckets          map[string]float64
}

func (s *series) add(at time.Time, c counters) {
	if n := len(s.samples); n > 0 && c.requests < s.samples[n-1].requests {
		s.samples = nil // it counts from zero again
	}
	s.samples = append(s.samples, sample{at, c})
	for len(s.samples) > 2 && at.Sub(s.samples[1].at) >= statsWindow {
		s.samples = s.samples[1:]
	}
}

// addTo adds what the series saw to a workload's window.
func (s *series) addTo(w *window) {
	if len(s.samples) < 2 {
		return
	}
	first, last := s.samples[0], s.samples[len(s.samples)-1]
	w.requests += last.requests - first.requests
	w.errors += last.errors - first.errors
	w.span = max(w.span, last.at.Sub(first.at))
	for le, n := range last.buckets {
		w.buckets[le] += n - first.buckets[le]
	}
}

// stats computes what people see from a window.
func (w *window) stats() *controlpb.Stats {
	s := &controlpb.Stats{WindowMs: w.span.Milliseconds(), Requests: int64(math.Round(w.requests))}
	if w.span <= 0 || w.requests <= 0 {
		return s
	}
	s.RequestsPerSecond = w.requests / w.span.Seconds()
	s.ErrorRatio = w.errors / w.requests
	bounds := sortedBounds(w.buckets)
	s.P50Ms = 1000 * quantile(0.50, bounds)
	s.P95Ms = 1000 * quantile(0.95, bounds)
	s.P99Ms = 1000 * quantile(0.99, bounds)
	return s
}

// bound is one bucket of a histogram: how many observations were at most le seconds.
type bound struct{ le, count float64 }

func sortedBounds(buckets map[string]float64) []bound {
	bounds := make([]bound, 0, len(buckets))
	for text, n := range buckets {
		if le, err := strconv.ParseFloat(text, 64); err == nil {
			bounds = append(bounds, bound{le, n})
		}
	}
	slices.SortFunc(bounds, func(a, b bound) int { return cmp.Compare(a.le, b.le) })
	return bounds
}

// quantile interpolates within the bucket that holds the quantile, as Prometheus' histogram_quantile
// does; beyond the last finite bound it is that bound.
func quantile(q float64, bounds []bound) float64 {
	if len(bounds) == 0 {
		return 0
	}
	total := bounds[len(bounds)-1].count
	if total <= 0 {
		return 0
	}
	rank := q * total
	lower, below := 0.0, 0.0
	for _, b := range bounds {
		if b.count >= rank {
			if math.IsInf(b.le, 1) {
				return lower
			}
			if b.count == below {
				return b.le
			}
			return lower + (b.le-lower)*(rank-below)/(b.count-below)
		}
		lower, below = b.le, b.count
	}
	return lower
}

// history appends to a bounded list.
func history(points []float64, v float64) []float64 {
	points = append(points, v)
	return points[max(0, len(points)-maxHistory):]
}
