package scrape

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

const (
	// statsWindow is the period of rates and quantiles.
	statsWindow = 10 * time.Second
	// reach is how far back a sample may lie that the window is counted from.
	reach = 2*quietEvery + statsWindow
	// maxHistory bounds the points of a sparkline.
	maxHistory = 60
)

// Stats are measured over the last window from the metrics of a workload's instances.
type Stats struct {
	// Window is the time that was measured; zero if there was nothing to measure yet.
	Window   time.Duration
	Requests int64
	// Rate is requests per second.
	Rate float64
	// ErrorRatio is the share of requests that failed, 0 to 1.
	ErrorRatio float64
	Latency
	// P95History and RateHistory are of the last windows, oldest first; at most 60.
	P95History  []time.Duration
	RateHistory []float64
}

// Latency is the quantiles of the time that a workload took for requests.
type Latency struct{ P50, P95, P99 time.Duration }

// window counts the requests to a workload within the window.
type window struct {
	requests, errors float64
	span             time.Duration
	buckets          map[float64]float64
}

// measure computes the statistics, or drops them without watchers.
func (s *Scraper) measure(at time.Time, watched bool) {
	s.mu.Lock()
	before := s.results
	s.mu.Unlock()
	results := map[string]Stats{}
	if watched {
		var exact map[string]Latency
		if s.cfg.Latencies != nil {
			exact = s.cfg.Latencies()
		}
		for workload, w := range s.windows(at) {
			st := w.stats()
			if l, ok := exact[workload]; ok && st.Requests > 0 {
				st.Latency = l
			}
			old := before[workload]
			st.P95History = history(old.P95History, st.P95)
			st.RateHistory = history(old.RateHistory, st.Rate)
			results[workload] = st
		}
	} else if len(before) == 0 {
		return
	}
	s.mu.Lock()
	s.results = results
	s.mu.Unlock()
	s.changed.Notify()
}

// instance names one target among the series.
type instance struct{ namespace, job, address string }

func instanceOf(ls labels.Labels) instance {
	return instance{ls.Get("namespace"), ls.Get("job"), ls.Get("instance")}
}

// ends are the two scrapes that bound the window of an instance.
type ends struct{ first, last int64 }

// windows returns the window of each workload that ends at a time.
func (s *Scraper) windows(at time.Time) map[string]*window {
	windows := map[string]*window{}
	bounds := map[instance]ends{}
	s.each(at, func(ls labels.Labels, it chunkenc.Iterator) {
		in := instanceOf(ls)
		if in.namespace == "" {
			return
		}
		key := in.namespace + "/" + in.job
		if windows[key] == nil {
			windows[key] = &window{buckets: map[float64]float64{}}
		}
		if e, ok := between(it, at); ok {
			bounds[in] = e
			w := windows[key]
			w.span = max(w.span, time.Duration(e.last-e.first)*time.Millisecond)
		}
	}, nameUp)
	s.each(at, func(ls labels.Labels, it chunkenc.Iterator) {
		in := instanceOf(ls)
		e, ok := bounds[in]
		if !ok || !isRequest(ls) || lasts(ls) {
			return
		}
		grown := increase(it, e)
		w := windows[in.namespace+"/"+in.job]
		switch ls.Get(model.MetricNameLabel) {
		case grpcBucket, httpBucket:
			if le, err := strconv.ParseFloat(ls.Get("le"), 64); err == nil {
				w.buckets[le] += grown
			}
		default:
			w.requests += grown
			if failed(ls) {
				w.errors += grown
			}
		}
	}, grpcHandled, httpTotal, grpcBucket, httpBucket)
	return windows
}

// each visits the series of these names.
func (s *Scraper) each(at time.Time, visit func(labels.Labels, chunkenc.Iterator), names ...string) {
	q, err := s.cfg.DB.Querier(at.Add(-reach).UnixMilli(), at.UnixMilli())
	if err != nil {
		return
	}
	defer q.Close()
	var it chunkenc.Iterator
	for _, name := range names {
		set := q.Select(context.Background(), false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name))
		for set.Next() {
			series := set.At()
			it = series.Iterator(it)
			visit(series.Labels(), it)
		}
	}
}

// between finds the newest successful scrape of a target, and the one with which the window before it begins: the newest
// that is at least a window older, or the oldest.
func between(up chunkenc.Iterator, at time.Time) (e ends, ok bool) {
	var times []int64
	gone := false
	for up.Next() != chunkenc.ValNone {
		t, v := up.At()
		if value.IsStaleNaN(v) {
			gone = true
			continue
		}
		if gone {
			times, gone = nil, false // something else has its address now
		}
		if v == 1 {
			times = append(times, t)
		}
	}
	if len(times) < 2 {
		return ends{}, false
	}
	e.first, e.last = times[0], times[len(times)-1]
	for _, t := range times {
		if t <= e.last-statsWindow.Milliseconds() {
			e.first = t
		}
	}
	age := time.Duration(at.UnixMilli()-e.last) * time.Millisecond
	return e, age < statsWindow || !gone && age < reach
}

// increase is by how much a counter grew. A new one starts at zero.
func increase(it chunkenc.Iterator, e ends) float64 {
	var first, last float64
	for it.Next() != chunkenc.ValNone {
		t, v := it.At()
		if math.IsNaN(v) {
			continue
		}
		switch {
		case t <= e.first:
			first = v
		case t <= e.last:
			last = v
		}
	}
	if last < first {
		return last // it was reset
	}
	return last - first
}

// stats computes rates and quantiles of a window.
func (w *window) stats() Stats {
	s := Stats{Window: w.span, Requests: int64(math.Round(w.requests))}
	if w.span <= 0 || w.requests <= 0 {
		return s
	}
	s.Rate = w.requests / w.span.Seconds()
	s.ErrorRatio = w.errors / w.requests
	bounds := sortedBounds(w.buckets)
	s.P50 = seconds(quantile(0.50, bounds))
	s.P95 = seconds(quantile(0.95, bounds))
	s.P99 = seconds(quantile(0.99, bounds))
	return s
}

// bound is one bucket of a histogram: how many observations were at most le seconds.
type bound struct{ le, count float64 }

func sortedBounds(buckets map[float64]float64) []bound {
	bounds := make([]bound, 0, len(buckets))
	for le, n := range buckets {
		bounds = append(bounds, bound{le, n})
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

// history returns a bounded list with a new point at the end.
func history[T any](points []T, v T) []T {
	points = append(slices.Clone(points), v)
	return points[max(0, len(points)-maxHistory):]
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
