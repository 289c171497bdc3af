package cluster

import (
	"time"
)

// Stats is the state of a cluster at a time, for views.
type Stats struct {
	Name                                    string
	Hosts                                   []HostStats
	Connections, Pending, Requests, Retries BreakerStats
	// Ejections counts all, and Overflow those that did not happen since too many hosts are ejected.
	Ejections, Ejections5xx, EjectionsGateway, EjectionsLocal, EjectionsOverflow, Readmissions uint64
}

// BreakerStats is the state of a circuit breaker.
type BreakerStats struct {
	Active    int64
	Limit     uint64
	Overflows uint64
}

// HostStats is the state of a host.
type HostStats struct {
	Address  string
	Active   int64
	TLS      bool
	Healthy  bool // as far as the control plane knows
	Ejected  bool
	EjectFor time.Duration // how long the host stays ejected at least, from the time it was
	Since    time.Time     // when it was ejected
	Why      Ejection      // it was ejected
	Times    int           // how many ejections the next one's length counts
	// Errors, GatewayErrors and LocalErrors are those since the last success.
	Errors, GatewayErrors, LocalErrors uint32
}

func (b *Breaker) stats() BreakerStats { return BreakerStats{b.Active(), b.Limit(), b.Overflows()} }

// Stats returns the state of the cluster.
func (c *Cluster) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Stats{
		Name: c.Name, Connections: c.Connections.stats(), Pending: c.Pending.stats(), Requests: c.Requests.stats(),
		Retries: c.Retries.stats(),
	}
	d := c.outlier
	if d != nil {
		s.Ejections, s.Ejections5xx, s.EjectionsGateway, s.EjectionsLocal = d.ejections, d.ejectionsServer, d.ejectionsGateway, d.ejectionsLocal
		s.EjectionsOverflow, s.Readmissions = d.ejectionsOverflow, d.readmissions
	}
	for _, h := range c.order {
		config := h.config.Load()
		one := HostStats{
			Address: h.Address, Active: h.Active(), TLS: config.tls != nil, Healthy: config.healthy, Ejected: h.Ejected(), Times: h.times,
			Errors: h.counted.server, GatewayErrors: h.counted.gateway, LocalErrors: h.counted.local,
		}
		if one.Ejected {
			one.Since, one.Why, one.EjectFor = h.since, h.why, min(d.base*time.Duration(h.times), d.longest)
		}
		s.Hosts = append(s.Hosts, one)
	}
	return s
}
