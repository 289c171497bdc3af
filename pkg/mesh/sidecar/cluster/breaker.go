package cluster

import (
	"math"
	"sync/atomic"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
)

// Breaker counts what goes on at a time, up to a limit.
type Breaker struct {
	limit     func() uint64
	active    atomic.Int64
	overflows atomic.Uint64
}

func newBreaker(limit uint64) *Breaker { return &Breaker{limit: func() uint64 { return limit }} }

// Acquire counts one more, unless the limit is reached, and reports whether it did.
func (b *Breaker) Acquire() bool {
	limit := int64(min(b.limit(), math.MaxInt64))
	if b.active.Add(1) <= limit {
		return true
	}
	b.active.Add(-1)
	b.overflows.Add(1)
	return false
}

// Force counts one more also over the limit: a host without a connection always gets one.
func (b *Breaker) Force() { b.active.Add(1) }

// Release ends what Acquire or Force counted.
func (b *Breaker) Release() { b.active.Add(-1) }

// Active is how many there are at this time.
func (b *Breaker) Active() int64 { return b.active.Load() }

// Limit is how many there can be.
func (b *Breaker) Limit() uint64 { return b.limit() }

// Overflows is how many were not let through.
func (b *Breaker) Overflows() uint64 { return b.overflows.Load() }

// limit sets up the breakers. Without thresholds Envoy's defaults hold.
func (c *Cluster) limit(breakers *clusterv3.CircuitBreakers) {
	var t *clusterv3.CircuitBreakers_Thresholds
	for _, candidate := range breakers.GetThresholds() {
		if candidate.GetPriority() == corev3.RoutingPriority_DEFAULT {
			t = candidate
			break
		}
	}
	connections, pending, requests, retries := uint64(1024), uint64(1024), uint64(1024), uint64(3)
	if t.GetMaxConnections() != nil {
		connections = uint64(t.GetMaxConnections().GetValue())
	}
	if t.GetMaxPendingRequests() != nil {
		pending = uint64(t.GetMaxPendingRequests().GetValue())
	}
	if t.GetMaxRequests() != nil {
		requests = uint64(t.GetMaxRequests().GetValue())
	}
	if t.GetMaxRetries() != nil {
		retries = uint64(t.GetMaxRetries().GetValue())
	}
	c.Connections, c.Pending, c.Requests = newBreaker(connections), newBreaker(pending), newBreaker(requests)
	c.Retries = newBreaker(retries)
	if budget := t.GetRetryBudget(); budget != nil {
		share, least := 20.0, uint64(3)
		if budget.GetBudgetPercent() != nil {
			share = budget.GetBudgetPercent().GetValue()
		}
		if budget.GetMinRetryConcurrency() != nil {
			least = uint64(budget.GetMinRetryConcurrency().GetValue())
		}
		c.Retries = &Breaker{limit: func() uint64 {
			busy := max(c.Requests.Active()+c.Pending.Active(), 0)
			return max(uint64(share/100*float64(busy)), least)
		}}
	}
}
