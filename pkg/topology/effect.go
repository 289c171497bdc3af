package topology

import (
	"math"
	"time"

	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
)

// effect describes what has become worse.
type effect struct {
	// errors: a larger share fails. p95, p99: requests take longer at that quantile.
	errors, p95, p99 bool
}

func (e effect) none() bool { return e == effect{} }

const (
	// moreErrors is the least change of a share that is reported; below fewRequests each failure is.
	moreErrors  = 0.02
	fewRequests = 10
	// surely is the least change in standard errors: chance alone exceeds it once in forty.
	surely = 2
	// slowerTimes and slowerBy are how much longer a quantile must be: a busy machine makes as much by
	// itself. Where calls are delayed and a quantile has grown by half of that, less is believed. slow is what counts as slow where there is
	// nothing to compare with.
	slowerTimes, delayedTimes = 2, 1.3
	slowerBy                  = 30 * time.Millisecond
	slow                      = time.Second
	// minP95 and minP99 are how many requests such a quantile needs.
	minP95, minP99 = 5, 50
)

// compare finds what is worse now than it was before, beyond what chance makes.
func (w *walk) compare(now, before servicegraph.Traffic) effect {
	e := effect{errors: failsMore(now, before)}
	if now.Requests >= minP95 {
		e.p95 = w.slower(now.P95, before.P95, before.Requests > 0)
	}
	if !e.p95 && now.Requests >= minP99 {
		e.p99 = w.slower(now.P99, before.P99, before.Requests >= minP99)
	}
	return e
}

func failsMore(now, before servicegraph.Traffic) bool {
	change := now.ErrorRatio() - before.ErrorRatio()
	if now.Failed == 0 || change < moreErrors {
		return false
	}
	if now.Requests < fewRequests {
		return true
	}
	n, m := float64(now.Requests), float64(max(before.Requests, 1))
	if before.Requests == 0 {
		m = math.Inf(1)
	}
	p := float64(now.Failed+before.Failed) / float64(now.Requests+before.Requests)
	return change >= surely*math.Sqrt(p*(1-p)*(1/n+1/m))
}

func (w *walk) slower(now, before time.Duration, measured bool) bool {
	delay := w.fault.Delay
	switch {
	case measured && delay > 0 && now-before >= delay/2:
		return float64(now) >= delayedTimes*float64(before)
	case measured:
		return now-before >= slowerBy && float64(now) >= slowerTimes*float64(before)
	case delay > 0:
		return now >= delay*4/5
	default:
		return now >= slow
	}
}
