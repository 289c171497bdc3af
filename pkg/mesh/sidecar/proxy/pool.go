package proxy

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
)

// stream is one side of a call: a stream of HTTP/2, or what makes HTTP/1.1 look like one. It keeps nothing of what is written to it.
type stream interface {
	WriteHeaders(fields []hpack.HeaderField, end bool) error
	WriteData(p []byte, end bool) error
	WriteTrailers(fields []hpack.HeaderField) error
	Reset(code http2.ErrCode)
	Consumed(n int)
	Queued() int
}

// requester wants a stream to a host. If it has to wait, one of ready and failed is called later, once, without a lock of the
// pool.
type requester interface {
	h2.Handler
	ready(s stream, via *upstream)
	failed(f failure)
}

// upstream is a connection to a host.
type upstream struct {
	local, principal string
	conn             *h2.Conn // nil: HTTP/1.1
	used             uint32
}

// pool is the connections to a host over one version of HTTP.
type pool struct {
	proxy   *Proxy
	host    *cluster.Host
	cluster *cluster.Cluster
	http2   bool

	mu       sync.Mutex
	conns    []*upstream
	dialing  int
	waiting  []requester
	draining bool
	free     []*upstream1 // connections of HTTP/1.1 without a request
}

func newPool(p *Proxy, h *cluster.Host, http2 bool) *pool {
	return &pool{proxy: p, host: h, cluster: h.Cluster, http2: http2}
}

// open gets a stream for r: at once where a connection has room. Otherwise r waits, unless too many do.
func (p *pool) open(r requester) (s stream, via *upstream, ok bool) {
	if s, via := p.try(r); s != nil {
		return s, via, true
	}
	if !p.cluster.Pending.Acquire() {
		return nil, nil, false
	}
	p.mu.Lock()
	p.waiting = append(p.waiting, r)
	p.connect()
	p.mu.Unlock()
	return nil, nil, true
}

// try opens a stream on a connection that has room.
func (p *pool) try(r requester) (stream, *upstream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.http2 {
		return p.tryFree(r)
	}
	for _, c := range p.conns {
		s, err := c.conn.Open(r)
		if err != nil {
			continue
		}
		c.used++
		if limit := p.cluster.MaxRequestsPerConnection; limit > 0 && c.used >= limit {
			p.conns = slices.DeleteFunc(p.conns, func(o *upstream) bool { return o == c })
			return &lastStream{s, c.conn}, c
		}
		return s, c
	}
	return nil, nil
}

// lastStream is the last that its connection carries.
type lastStream struct {
	*h2.Stream
	conn *h2.Conn
}

func (s *lastStream) WriteHeaders(fields []hpack.HeaderField, end bool) error {
	err := s.Stream.WriteHeaders(fields, end)
	s.conn.GoAway()
	return err
}

// connect begins connections for those that wait: for HTTP/2 one, which carries many. p.mu is held.
func (p *pool) connect() {
	wanted := len(p.waiting)
	if p.http2 {
		wanted = min(wanted, 1)
	}
	for p.dialing < wanted {
		if len(p.conns)+p.dialing == 0 {
			p.cluster.Connections.Force() // a host without a connection always gets one
		} else if !p.cluster.Connections.Acquire() {
			return
		}
		p.dialing++
		p.proxy.wg.Go(p.dial)
	}
}

// dial makes a connection and serves it until it ends.
func (p *pool) dial() {
	defer p.cluster.Connections.Release()
	conn, principal, err := p.proxy.dial(p.host, p.http2)
	if err != nil {
		p.refuse(err)
		return
	}
	p.host.Report(cluster.Connected)
	c := &upstream{local: conn.LocalAddr().String(), principal: principal}
	if !p.http2 {
		p.serveHTTP1(conn, c)
		return
	}
	c.conn = h2.Client(conn, h2.Options{Group: &p.proxy.group, Changed: func(*h2.Conn) { p.changed() }})
	p.mu.Lock()
	p.dialing--
	p.conns = append(p.conns, c)
	p.mu.Unlock()
	stop := p.watch(c)
	p.proxy.group.Do(p.serve)
	if p.isDraining() {
		c.conn.GoAway()
	}
	_ = c.conn.Serve(p.proxy.ctx)
	stop()
	p.mu.Lock()
	p.conns = slices.DeleteFunc(p.conns, func(o *upstream) bool { return o == c })
	p.connect()
	p.mu.Unlock()
}

// watch ends a connection that no one has used for the cluster's idle timeout, or that is older than it may be.
func (p *pool) watch(c *upstream) (stop func()) {
	ctx, cancel := context.WithCancel(p.proxy.ctx)
	if limit := p.cluster.MaxConnectionDuration; limit > 0 {
		t := time.AfterFunc(limit, c.conn.GoAway)
		context.AfterFunc(ctx, func() { t.Stop() })
	}
	if idle := p.cluster.IdleTimeout; idle > 0 {
		var used uint32
		var t *time.Timer
		t = time.AfterFunc(idle, func() {
			p.mu.Lock()
			unused := c.used == used && c.conn.Active() == 0
			used = c.used
			p.mu.Unlock()
			if unused {
				c.conn.GoAway()
			} else if ctx.Err() == nil {
				t.Reset(idle)
			}
		})
		context.AfterFunc(ctx, func() { t.Stop() })
	}
	return cancel
}

func (p *pool) isDraining() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.draining
}

// changed is called when a connection may have room again, or ends.
func (p *pool) changed() {
	p.mu.Lock()
	waits := len(p.waiting) > 0
	p.mu.Unlock()
	if waits {
		p.proxy.wg.Go(func() { p.proxy.group.Do(p.serve) })
	}
}

// serve hands streams to those that wait.
func (p *pool) serve() {
	for {
		p.mu.Lock()
		if len(p.waiting) == 0 {
			p.mu.Unlock()
			return
		}
		r := p.waiting[0]
		p.mu.Unlock()
		s, via := p.try(r)
		if s == nil {
			p.mu.Lock()
			p.connect()
			p.mu.Unlock()
			return
		}
		if p.forget(r) {
			r.ready(s, via)
		} else {
			s.Reset(http2.ErrCodeCancel)
		}
	}
}

// forget takes r from those that wait, and reports whether it was among them.
func (p *pool) forget(r requester) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiting, r)
	if i < 0 {
		return false
	}
	p.waiting = slices.Delete(p.waiting, i, i+1)
	p.cluster.Pending.Release()
	return true
}

// refuse notifies those that wait that no connection was made.
func (p *pool) refuse(err error) {
	p.mu.Lock()
	p.dialing--
	waiting := p.waiting
	p.waiting = nil
	if !p.http2 && len(waiting) > 1 { // each has a connection of its own
		p.waiting = slices.Clone(waiting[1:])
		waiting = waiting[:1]
	}
	p.mu.Unlock()
	for _, r := range waiting {
		p.cluster.Pending.Release()
		r.failed(connectFailure(err))
	}
}

// drain lets all connections end with their requests.
func (p *pool) drain() {
	p.mu.Lock()
	p.draining = true
	conns, free := p.conns, p.free
	p.conns, p.free = nil, nil
	p.mu.Unlock()
	for _, c := range conns {
		if c.conn != nil {
			c.conn.GoAway()
		}
	}
	for _, c := range free {
		c.close()
	}
}

// transportFailure is why no connection was made, as the access log has it.
func transportFailure(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		if errno == syscall.ECONNREFUSED {
			return "delayed connect error: Connection refused"
		}
		return "delayed connect error: " + errno.Error()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "delayed connect error: " + op.Err.Error()
	}
	return "TLS_error: " + err.Error()
}
