package meshgraph

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// durationBuckets is the histogram of how long requests took.
const durationBuckets = "istio_request_duration_milliseconds_bucket"

// Hop is the requests of one edge as one of its two sidecars counts them.
type Hop struct {
	// Reporter is the workload of that sidecar.
	Reporter Workload
	// Host is the Service that a caller's sidecar sends to, and Account the service account that a callee's receives them from. The other
	// one is empty.
	Host, Account string
	// Requests, and Failed among them: with a status of 500 or more, or one of gRPC other than OK.
	Requests, Failed int64
	// buckets are how many requests took at most so many milliseconds.
	buckets map[float64]int64
}

// Hops are what the sidecars of both ends counted from one time to another.
func Hops(ctx context.Context, db Queryable, from, to time.Time) ([]Hop, error) {
	q, err := db.Querier(from.Add(-reach).UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("count requests of sidecars: %w", err)
	}
	defer q.Close()
	type key struct {
		reporter      Workload
		host, account string
	}
	hops := map[key]*Hop{}
	for _, name := range []string{requestsTotal, durationBuckets} {
		set := q.Select(ctx, false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name))
		var it chunkenc.Iterator
		for set.Next() {
			ls := set.At().Labels()
			it = set.At().Iterator(it)
			n := increase(it, from.UnixMilli())
			if n == 0 {
				continue
			}
			k := key{reporter: scraped(ls), host: ls.Get("destination_service")}
			if ls.Get("reporter") != "source" {
				k.host, k.account = "", ls.Get("source_workload")
			}
			if hops[k] == nil {
				hops[k] = &Hop{Reporter: k.reporter, Host: k.host, Account: k.account, buckets: map[float64]int64{}}
			}
			hops[k].add(ls, n)
		}
		if err := set.Err(); err != nil {
			return nil, fmt.Errorf("count requests of sidecars: %w", err)
		}
	}
	all := make([]Hop, 0, len(hops))
	for _, h := range hops {
		all = append(all, *h)
	}
	return all, nil
}

// add counts a series.
func (h *Hop) add(ls labels.Labels, n int64) {
	if le := ls.Get(model.BucketLabel); le != "" {
		if limit, err := strconv.ParseFloat(le, 64); err == nil { // no other text is a limit
			h.buckets[limit] += n
		}
		return
	}
	h.Requests += n
	status, err := strconv.Atoi(ls.Get("response_code"))
	grpc := ls.Get("grpc_response_status")
	if err == nil && status >= 500 || grpc != "" && grpc != "0" {
		h.Failed += n
	}
}

// Quantile is how long a share of the requests took at most, 0 to 1, as Prometheus reckons it of a histogram. 0 without any.
func (h *Hop) Quantile(q float64) time.Duration {
	limits := make([]float64, 0, len(h.buckets))
	for limit := range h.buckets {
		limits = append(limits, limit)
	}
	slices.Sort(limits)
	if len(limits) == 0 {
		return 0
	}
	rank := q * float64(h.buckets[limits[len(limits)-1]])
	var below, start float64
	for _, limit := range limits {
		n := float64(h.buckets[limit])
		switch {
		case n < rank || n == below:
			below, start = n, limit
		case math.IsInf(limit, 1):
			return time.Duration(start * float64(time.Millisecond))
		default:
			return time.Duration((start + (limit-start)*(rank-below)/(n-below)) * float64(time.Millisecond))
		}
	}
	return 0
}
