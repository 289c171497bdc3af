package cluster

import (
	"math/rand/v2"
	"strconv"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// Outcome is how an attempt at a host ended: the status of its response as that of HTTP, or one of the constants below.
// What the sidecar itself answered without the host is not an outcome.
type Outcome int

// Outcomes without a response.
const (
	// Failed: no connection was made, or it or the stream was reset.
	Failed Outcome = -1
	// TimedOut: the attempt or the whole request took too long.
	TimedOut Outcome = -2
	// Connected: a connection was made. It counts only where failures to connect are counted apart.
	Connected Outcome = -3
)

// ResponseOutcome is that of a response: its status, or for gRPC the status among its headers. One in trailers is not
// seen.
func ResponseOutcome(grpc bool, headers field.Fields) Outcome {
	if grpc {
		if text, ok := headers.Lookup("grpc-status"); ok {
			if status, err := strconv.Atoi(text); err == nil {
				return httpStatus(status)
			}
		}
	}
	status, err := strconv.Atoi(headers.Get(":status"))
	if err != nil {
		return 500
	}
	return Outcome(status)
}

// httpStatus is the status of HTTP that one of gRPC counts as.
func httpStatus(grpc int) Outcome {
	byCode := [...]Outcome{200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401}
	if grpc < 0 || grpc >= len(byCode) {
		return 500
	}
	return byCode[grpc]
}

// Ejection is why a host is left out.
type Ejection string

// Reasons of ejections.
const (
	Consecutive5xx         Ejection = "consecutive 5xx errors"
	ConsecutiveGateway     Ejection = "consecutive gateway errors"
	ConsecutiveLocalOrigin Ejection = "consecutive failures to connect"
)

// counters are those of one host, of what happened without a success between.
type counters struct{ server, gateway, local uint32 }

// detector leaves hosts out that fail. Its state is guarded by the cluster's mutex.
type detector struct {
	cluster *Cluster

	server, gateway, local                          uint32 // failures in a row that eject
	enforceServer, enforceGateway, enforceLocal     uint32 // in how many of 100 cases
	interval, base, longest, jitter                 time.Duration
	most                                            float64 // percentage of hosts that can be ejected
	oneAlways, split                                bool
	start                                           time.Time
	timer                                           *time.Timer // nil: nothing to wait for
	active                                          int
	ejections, ejectionsServer, ejectionsGateway    uint64
	ejectionsLocal, ejectionsOverflow, readmissions uint64
}

func newDetector(c *Cluster, o *clusterv3.OutlierDetection) *detector {
	number := func(n *wrapperspb.UInt32Value, otherwise uint32) uint32 {
		if n == nil {
			return otherwise
		}
		return n.GetValue()
	}
	length := func(d *durationpb.Duration, otherwise time.Duration) time.Duration {
		if d == nil {
			return otherwise
		}
		return d.AsDuration()
	}
	d := &detector{
		cluster: c, start: time.Now(),
		server: number(o.GetConsecutive_5Xx(), 5), enforceServer: number(o.GetEnforcingConsecutive_5Xx(), 100),
		gateway: number(o.GetConsecutiveGatewayFailure(), 5), enforceGateway: number(o.GetEnforcingConsecutiveGatewayFailure(), 0),
		local: number(o.GetConsecutiveLocalOriginFailure(), 5), enforceLocal: number(o.GetEnforcingConsecutiveLocalOriginFailure(), 100),
		interval: length(o.GetInterval(), 10*time.Second), base: length(o.GetBaseEjectionTime(), 30*time.Second),
		jitter: length(o.GetMaxEjectionTimeJitter(), 0), most: float64(min(number(o.GetMaxEjectionPercent(), 10), 100)),
		oneAlways: o.GetAlwaysEjectOneHost().GetValue(), split: o.GetSplitExternalLocalOriginErrors(),
	}
	d.interval = max(d.interval, time.Millisecond)
	d.longest = max(length(o.GetMaxEjectionTime(), 5*time.Minute), d.base)
	return d
}

// Report counts how an attempt at the host ended. It ejects the host at once when it failed often enough in a row.
func (h *Host) Report(o Outcome) {
	c := h.Cluster
	if c.outlier == nil || o > 0 && (o < 500 || o > 599) && !h.failing.Load() {
		return // most requests: nothing to count, and nothing that would start again
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !h.gone {
		c.outlier.report(h, o)
		h.failing.Store(h.counted != counters{})
	}
}

func (d *detector) report(h *Host, o Outcome) {
	switch o {
	case Connected:
		if d.split {
			h.counted.local = 0
		}
		return
	case Failed, TimedOut:
		if d.split {
			if h.counted.local++; h.counted.local == d.local {
				d.eject(h, ConsecutiveLocalOrigin, d.enforceLocal)
				h.counted.local = 0
			}
			return
		}
		if o == Failed {
			o = 503
		} else {
			o = 504
		}
	}
	if o < 500 || o > 599 {
		h.counted.server, h.counted.gateway = 0, 0
		return
	}
	d.failed(h, o)
}

// failed counts a status from 500 on. A host that is ejected keeps its counters, until it is readmitted.
func (d *detector) failed(h *Host, status Outcome) {
	if status >= 502 && status <= 504 {
		if h.counted.gateway++; h.counted.gateway == d.gateway {
			if d.eject(h, ConsecutiveGateway, d.enforceGateway) {
				h.counted.gateway = 0
			}
		}
	} else {
		h.counted.gateway = 0
	}
	if h.counted.server++; h.counted.server == d.server {
		if d.eject(h, Consecutive5xx, d.enforceServer) {
			h.counted.server = 0
		}
	}
}

// eject leaves a host out, if so many can be, and reports whether its counter starts again: it does unless the host was
// ejected before.
func (d *detector) eject(h *Host, why Ejection, enforce uint32) bool {
	if h.ejected.Load() {
		return false
	}
	share := 100 * float64(d.active+1) / float64(max(len(d.cluster.order), 1))
	if share > d.most && (d.active > 0 || !d.oneAlways) {
		d.ejectionsOverflow++
		return true
	}
	if enforce < 100 && rand.Uint32N(100) >= enforce {
		return true
	}
	d.active++
	d.ejections++
	switch why {
	case Consecutive5xx:
		d.ejectionsServer++
	case ConsecutiveGateway:
		d.ejectionsGateway++
	case ConsecutiveLocalOrigin:
		d.ejectionsLocal++
	}
	h.since, h.why = time.Now(), why
	if d.jitter > 0 {
		h.since = h.since.Add(rand.N(d.jitter))
	}
	if time.Duration(h.times)*d.base < d.longest+d.base {
		h.times++
	}
	h.ejected.Store(true)
	d.cluster.refresh()
	d.arm()
	if d.cluster.events.Ejected != nil {
		d.cluster.events.Ejected(h, why)
	}
	return true
}

// arm starts the timer of the next tick, unless it runs. Ticks are multiples of the interval since the cluster began, and
// nothing happens at those that find all hosts healthy: so without them no timer runs.
func (d *detector) arm() {
	if d.timer != nil || d.cluster.gone {
		return
	}
	passed := time.Since(d.start)
	d.timer = time.AfterFunc(d.interval-passed%d.interval, d.tick)
}

// tick readmits hosts whose time is over, and forgives the others by one ejection.
func (d *detector) tick() {
	c := d.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	d.timer = nil
	if c.gone {
		return
	}
	now := time.Now()
	again, changed := false, false
	var back []*Host
	for _, h := range c.order {
		switch {
		case !h.ejected.Load():
			h.times = max(h.times-1, 0)
		case now.Sub(h.since) >= min(d.base*time.Duration(h.times), d.longest):
			h.ejected.Store(false)
			h.counted = counters{}
			h.failing.Store(false)
			d.active--
			d.readmissions++
			changed = true
			back = append(back, h)
		}
		again = again || h.times > 0
	}
	if changed {
		c.refresh()
	}
	if again {
		d.arm()
	}
	for _, h := range back {
		if c.events.Readmitted != nil {
			c.events.Readmitted(h)
		}
	}
}

func (d *detector) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
