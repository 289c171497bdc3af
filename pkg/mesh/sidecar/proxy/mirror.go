package proxy

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
)

// mirror sends copies of a complete request. The call's lock is held.
func (c *call) mirror() {
	if c.done || !c.keep {
		return
	}
	for _, m := range c.route.Mirrors {
		to := c.p.clusters.Get(m.Cluster)
		if to == nil || !m.Share.Hits(random) {
			continue
		}
		host, err := to.Pick(c.hash, nil, 0)
		if err != nil {
			continue
		}
		head := c.head.Clone()
		head.Set(":authority", m.Authority(head.Get(":authority")))
		s := &shadow{cluster: to, host: host, pool: c.p.pool(host, c.e.Protocol), head: head, body: slices.Clone(c.held()), trailers: c.trailers.Clone()}
		s.grpc, s.timeout = c.req.IsGRPC(), c.times.Total
		s.open()
	}
	if c.route.Retry == nil && c.attempt != nil && c.attempt.s != nil {
		c.release()
	}
}

// shadow is a copy of a request, whose response is dropped.
type shadow struct {
	cluster        *cluster.Cluster
	host           *cluster.Host
	pool           *pool
	head, trailers field.Fields
	body           []byte
	grpc           bool
	timeout        time.Duration

	mu    sync.Mutex
	s     stream
	over  bool
	timer *time.Timer
}

func (s *shadow) open() {
	if st, via, ok := s.pool.open(s); ok && st != nil {
		s.ready(st, via)
	}
}

func (s *shadow) ready(st stream, _ *upstream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.cluster.Requests.Acquire() {
		st.Reset(http2.ErrCodeCancel)
		return
	}
	s.s = st
	s.host.Begin()
	end := len(s.trailers) == 0
	if st.WriteHeaders(s.head, end && len(s.body) == 0) != nil {
		s.end()
		return
	}
	if len(s.body) > 0 {
		_ = st.WriteData(s.body, end)
	}
	if !end {
		_ = st.WriteTrailers(s.trailers)
	}
	s.body = nil
	if s.timeout > 0 {
		s.timer = time.AfterFunc(s.timeout, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !s.over {
				s.host.Report(cluster.TimedOut)
				s.end()
			}
		})
	}
}

func (s *shadow) failed(failure) { s.host.Report(cluster.Failed) }

func (s *shadow) end() {
	if s.over {
		return
	}
	s.over = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.s.Reset(http2.ErrCodeCancel)
	s.host.End()
	s.cluster.Requests.Release()
}

// Headers counts how the copy was answered.
func (s *shadow) Headers(_ *h2.Stream, fields []hpack.HeaderField, end bool) {
	s.host.Report(cluster.ResponseOutcome(s.grpc, fields))
	s.ended(end)
}

// Data is dropped.
func (s *shadow) Data(st *h2.Stream, p []byte, end bool) {
	s.mu.Lock()
	s.s.Consumed(len(p))
	s.mu.Unlock()
	s.ended(end)
}

// Trailers are dropped.
func (s *shadow) Trailers(*h2.Stream, []hpack.HeaderField) { s.ended(true) }

// Reset counts as a failure of the host.
func (s *shadow) Reset(*h2.Stream, *h2.StreamError) {
	s.host.Report(cluster.Failed)
	s.ended(true)
}

// Writable needs nothing: all has been written.
func (s *shadow) Writable(*h2.Stream) {}

func (s *shadow) ended(end bool) {
	if end {
		s.mu.Lock()
		s.end()
		s.mu.Unlock()
	}
}
