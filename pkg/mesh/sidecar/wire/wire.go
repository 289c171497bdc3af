// Package wire is what faults do to the connections between sidecars: packets that are lost, and a limited bandwidth.
//
// No program can lose packets of a TCP connection: the kernel sends them again. So a [Conn] does to its user what a loss does
// to one, and holds bytes back. A lost packet arrives when TCP has sent it again, and everything behind it on the connection
// waits too. When all packets are lost, nothing arrives and nothing ends: new connections time out, those that are open wait,
// and go on afterwards with no byte missing.
//
// Both directions of a connection pass the end that made it, so that only callers' sidecars need to know.
package wire

import (
	"context"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// The times after which TCP sends again what was lost, at first: a request for a connection, and anything else. They
	// double with each loss (RFC 6298; 200 ms is Linux' least).
	firstSYN, firstRTO = time.Second, 200 * time.Millisecond
	longestRTO         = 2 * time.Minute
	// packet is the most that is lost or passes at once, in bytes.
	packet = 16 << 10
	// tick is how long a packet takes at most where the bandwidth is limited, so that bytes flow evenly.
	tick = 50 * time.Millisecond
)

// Rule is what happens on all connections to a host.
type Rule struct {
	// Host is the full name of a Service: "paymentservice.production.svc.cluster.local".
	Host string
	// Drop is the share of packets that is lost, from 0 to 1. At 1 nothing passes.
	Drop float64
	// BytesPerSecond pass in each direction, all connections together; 0: as many as come.
	BytesPerSecond int64
}

// Wire has the rules that are in force. The zero value has none. It is safe for concurrent use.
type Wire struct {
	mu    sync.Mutex
	lines map[string]*line
}

// line is what all connections to a host have in common.
type line struct{ state atomic.Pointer[state] } // nil: everything passes

// state is what holds for a line until over is closed. It is not changed.
type state struct {
	drop    float64
	out, in *bucket // nil: not limited
	most    int     // bytes of a packet
	over    chan struct{}
}

// Set replaces the rules. Connections that are open follow at once. Several rules for a host add up.
func (w *Wire) Set(rules []Rule) {
	passes, rates := map[string]float64{}, map[string]int64{}
	for _, r := range rules {
		if _, ok := passes[r.Host]; !ok {
			passes[r.Host] = 1
		}
		passes[r.Host] *= 1 - r.Drop
		if rate := rates[r.Host]; r.BytesPerSecond > 0 && (rate == 0 || r.BytesPerSecond < rate) {
			rates[r.Host] = r.BytesPerSecond
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for host := range passes {
		w.line(host)
	}
	for host, l := range w.lines {
		var next *state
		if share, ok := passes[host]; ok {
			next = newState(1-share, rates[host])
		}
		if last := l.state.Swap(next); last != nil {
			close(last.over)
		}
	}
}

func newState(drop float64, rate int64) *state {
	s := &state{drop: drop, most: packet, over: make(chan struct{})}
	if rate > 0 {
		s.out, s.in = &bucket{rate: float64(rate)}, &bucket{rate: float64(rate)}
		s.most = int(min(packet, max(1, rate*int64(tick)/int64(time.Second))))
	}
	return s
}

// line is that of a host. w.mu is held.
func (w *Wire) line(host string) *line {
	l := w.lines[host]
	if l == nil {
		if w.lines == nil {
			w.lines = map[string]*line{}
		}
		l = &line{}
		w.lines[host] = l
	}
	return l
}

// Dial connects to a host with dial, as the rules for it have it. A nil Wire has none.
func (w *Wire) Dial(ctx context.Context, host string, dial func(context.Context) (net.Conn, error)) (net.Conn, error) {
	if w == nil || host == "" {
		return dial(ctx)
	}
	w.mu.Lock()
	l := w.line(host)
	w.mu.Unlock()
	if err := l.connect(ctx); err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: conn, line: l, closed: make(chan struct{}), readBy: newDeadline(), writeBy: newDeadline()}, nil
}

// connect waits as long as requests for a connection are lost.
func (l *line) connect(ctx context.Context) error {
	for {
		s := l.state.Load()
		if s == nil {
			return nil
		}
		late, lost := s.loss(firstSYN)
		if late == 0 && !lost {
			return nil
		}
		timer := newTimer(late, lost)
		select {
		case <-s.over:
			timer.Stop()
		case <-timer.C:
			return nil
		case <-ctx.Done():
			timer.Stop()
			return os.ErrDeadlineExceeded
		}
	}
}

// loss is how late a packet arrives that may be lost, several times over. lost: it never does.
func (s *state) loss(first time.Duration) (late time.Duration, lost bool) {
	if s.drop >= 1 {
		return 0, true
	}
	for again := first; s.drop > 0 && rand.Float64() < s.drop; again = min(2*again, longestRTO) {
		late += again
	}
	return late, false
}

// newTimer is a timer that never ends if lost.
func newTimer(d time.Duration, lost bool) *time.Timer {
	if lost {
		d = math.MaxInt64
	}
	return time.NewTimer(d)
}

// bucket is the bandwidth in one direction.
type bucket struct {
	rate float64 // bytes per second

	mu   sync.Mutex
	free time.Time // when what was taken has passed
}

// take returns how long n bytes take, after those before them. A nil bucket takes no time.
func (b *bucket) take(n int) time.Duration {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.free.Before(now) {
		b.free = now
	}
	b.free = b.free.Add(time.Duration(float64(n) / b.rate * float64(time.Second)))
	return b.free.Sub(now)
}
