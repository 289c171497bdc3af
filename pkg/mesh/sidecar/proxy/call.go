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
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/route"
)

// bufferLimit is how much of a request is held for another attempt, and buffersLimit how much of all requests together: a flood of
// large ones is passed on without another attempt.
const (
	bufferLimit  = 1 << 20
	buffersLimit = 32 << 20
)

// call is a request and its response. It is the handler of the caller's stream.
type call struct {
	d    *downstream
	p    *Proxy
	down stream

	mu      sync.Mutex
	manager *manager
	head    field.Fields
	req     field.Request
	route   *route.Route
	target  *route.Target
	cluster *cluster.Cluster
	times   route.Timeouts
	hash    uint64
	cookie  string // to set in the response, by which the caller will meet the same host

	body     *[]byte // of the request, from bodies: what no attempt has been sent, or all of it where keep is set; nil: nothing
	keep     bool
	trailers field.Fields
	ended    bool // the request is complete
	routed   bool
	owed     int // received of the request, and not credited

	attempt   *attempt
	tried     []*cluster.Host
	attempts  int
	retries   uint32
	began     bool // its trace begins here
	backing   bool // the next attempt waits for its time
	responded bool
	done      bool

	total, wait *time.Timer
	e           record.Entry

	// What most calls need no other memory for.
	fields     [24]hpack.HeaderField // of head
	hosts      [1]*cluster.Host      // of tried
	theAttempt attempt
}

// protocolHTTP2 is how logs name HTTP/2.
const protocolHTTP2 = "HTTP/2"

// acceptStream begins the call of a stream.
func (d *downstream) acceptStream(s *h2.Stream) h2.Handler { return d.newCall(s, protocolHTTP2) }

func (d *downstream) newCall(s stream, protocol string) *call {
	c := &call{d: d, p: d.listener.proxy, down: s, e: d.entry(protocol)}
	c.tried = c.hosts[:0]
	return c
}

// Headers begins the request.
func (c *call) Headers(_ *h2.Stream, fields []hpack.HeaderField, end bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	config := c.d.listener.config.Load()
	chain := c.d.chain()
	if chain == nil || chain.http == nil {
		c.done = true
		c.down.Reset(http2.ErrCodeRefusedStream)
		_ = c.d.conn.Close() // the configuration takes no such connection any more
		return
	}
	c.manager, c.head, c.ended = chain.http, append(c.fields[:0], fields...), end
	if c.admit(config) {
		c.inject()
	}
}

// Data is a part of the request's body.
func (c *call) Data(_ *h2.Stream, p []byte, end bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return
	}
	c.e.BytesReceived += int64(len(p))
	c.owed += len(p)
	a := c.attempt
	sent := a != nil && a.s != nil
	if !sent || c.keep {
		c.hold(p)
	}
	if sent && c.keep && (len(c.held()) > bufferLimit || c.p.held.Load() > buffersLimit) {
		c.release()
	}
	if sent {
		_ = a.s.WriteData(p, end)
		c.credit()
	}
	if end {
		c.complete()
	}
}

// bodies has buffers for what is held of requests.
var bodies = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

// largestBody is how large a buffer may have grown that serves again.
const largestBody = 64 << 10

// hold keeps a part of the body, until release.
func (c *call) hold(p []byte) {
	if len(p) == 0 {
		return
	}
	if c.body == nil {
		c.body = bodies.Get().(*[]byte)
	}
	*c.body = append(*c.body, p...)
	c.p.held.Add(int64(len(p)))
}

// held is what is kept of the body.
func (c *call) held() []byte {
	if c.body == nil {
		return nil
	}
	return *c.body
}

// release drops what is held of the body: there will be no other attempt.
func (c *call) release() {
	c.keep = false
	if c.body == nil {
		return
	}
	c.p.held.Add(-int64(len(*c.body)))
	if cap(*c.body) <= largestBody {
		*c.body = (*c.body)[:0]
		bodies.Put(c.body)
	}
	c.body = nil
}

// Trailers is the end of the request, with fields.
func (c *call) Trailers(_ *h2.Stream, fields []hpack.HeaderField) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return
	}
	c.trailers = slices.Clone(fields)
	if a := c.attempt; a != nil && a.s != nil {
		_ = a.s.WriteTrailers(fields)
	}
	c.complete()
}

// Reset is the end of a caller that does not wait for the response.
func (c *call) Reset(_ *h2.Stream, err *h2.StreamError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return
	}
	switch {
	case err.Kind != h2.ProtocolError:
		c.e.Flags |= record.DC
		c.e.Details = "downstream_remote_disconnect"
	case c.manager == nil && err.Code == http2.ErrCodeEnhanceYourCalm:
		c.e.Flags |= record.DPE
		c.e.Status, c.e.Details = 431, "http2.headers_too_large"
	case c.e.Protocol == "HTTP/2":
		c.e.Flags |= record.DPE
		c.e.Details = "http2.violation.of.messaging.rule"
	default:
		c.e.Flags |= record.DPE
		c.e.Details = "http1.codec_error"
	}
	c.finish()
}

// Writable means that the caller reads the response again.
func (c *call) Writable(*h2.Stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.attempt != nil {
		c.attempt.credit()
	}
}

// credit lets the caller send as much as has been passed on.
func (c *call) credit() {
	if a := c.attempt; c.owed > 0 && a != nil && a.s != nil && a.s.Queued() < h2.HighWater {
		c.down.Consumed(c.owed)
		c.owed = 0
	}
}

// complete is called when the request has ended: from then on timeouts run.
func (c *call) complete() {
	c.ended = true
	if c.routed {
		c.startTimeouts()
	}
}

func (c *call) startTimeouts() {
	if c.done {
		return
	}
	if c.times.Total > 0 && c.total == nil {
		c.total = time.AfterFunc(c.times.Total, c.onTimeout)
	}
	if c.attempt != nil {
		c.attempt.startTimeout()
	}
	c.mirror()
}

// onTimeout ends a call that took too long.
func (c *call) onTimeout() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timeOut()
}

func (c *call) timeOut() {
	if c.done {
		return
	}
	if a := c.attempt; a != nil && a.s != nil && !a.heard {
		a.host.Report(cluster.TimedOut)
	}
	c.e.Flags |= record.UT
	if c.responded {
		c.e.Details = "response_timeout"
		c.down.Reset(http2.ErrCodeCancel)
		c.finish()
		return
	}
	c.reply(response{status: 504, body: "upstream request timeout", details: "response_timeout"})
}

// finish ends the call on this side: attempts, timers, and with what remains of it.
func (c *call) finish() {
	if c.done {
		return
	}
	c.done = true
	if c.total != nil {
		c.total.Stop()
	}
	if c.wait != nil && c.wait.Stop() && c.backing {
		c.cluster.Retries.Release()
	}
	c.e.Attempts = c.attempts
	if a := c.attempt; a != nil {
		a.end(http2.ErrCodeCancel)
	}
	c.release()
	c.p.record(&c.e)
}
