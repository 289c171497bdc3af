package servicegraph

import (
	"cmp"
	"slices"
	"time"
)

// totalBounds are the buckets of totals: as fine as an alert needs.
var totalBounds = [...]time.Duration{
	1e6, 2.5e6, 5e6, 10e6, 25e6, 50e6, 100e6, 250e6, 500e6, 1e9, 2.5e9, 5e9, 10e9,
}

// totals count from the beginning.
type totals struct {
	requests, failed uint64
	timed            uint64 // the requests whose duration is known
	seconds          float64
	buckets          [len(totalBounds)]uint64
}

func (t *totals) observe(took time.Duration, failed bool) {
	t.requests++
	if failed {
		t.failed++
	}
	if took == unknown {
		return
	}
	t.timed++
	t.seconds += took.Seconds()
	if i, _ := slices.BinarySearch(totalBounds[:], took); i < len(totalBounds) {
		t.buckets[i]++
	}
}

// Total counts the calls of an edge since it was first seen, as Prometheus counters do.
type Total struct {
	Caller, Callee   string
	Asynchronous     bool
	Requests, Failed uint64
	// Calls are the durations that the caller sees, Served those that the callee does, with each attempt counted.
	Calls, Served Histogram
}

// Histogram counts durations by their upper bound in seconds.
type Histogram struct {
	Count   uint64
	Seconds float64
	Buckets map[float64]uint64
}

// Totals are those of every edge in order of their names, and what found no room.
func (g *Graph) Totals() ([]Total, Dropped) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tick()
	all := make([]Total, 0, len(g.edges))
	for k, e := range g.edges {
		all = append(all, Total{
			Caller: k.caller, Callee: k.callee, Asynchronous: k.asynchronous, Requests: e.client.requests, Failed: e.client.failed,
			Calls: e.client.histogram(), Served: e.server.histogram(),
		})
	}
	slices.SortFunc(all, func(a, b Total) int {
		return cmp.Or(cmp.Compare(a.Caller, b.Caller), cmp.Compare(a.Callee, b.Callee), later(a.Asynchronous, b.Asynchronous))
	})
	return all, g.dropped
}

func (t *totals) histogram() Histogram {
	h := Histogram{Count: t.timed, Seconds: t.seconds, Buckets: make(map[float64]uint64, len(totalBounds))}
	sum := uint64(0)
	for i, n := range t.buckets {
		sum += n
		h.Buckets[totalBounds[i].Seconds()] = sum
	}
	return h
}
