package proxy

import (
	"errors"
	"strconv"
	"strings"
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

// attempt is one try at a host. It is the handler of the stream to it, and guarded by the call's lock.
type attempt struct {
	c     *call
	n     int
	retry bool // the cluster's breaker for retries counts it
	host  *cluster.Host
	pool  *pool
	s     stream // nil: it waits for a connection
	sent  time.Time
	limit time.Duration // that the callee got; 0: none
	heard bool          // the response's headers have come
	over  bool
	owed  int // received of the response, and not credited
	timer *time.Timer
}

// try begins an attempt. The call's lock is held.
func (c *call) try() {
	var tried []*cluster.Host
	reselect := 0
	if p := c.route.Retry; p != nil && p.AvoidPrevious {
		tried, reselect = c.tried, p.Reselect
	}
	host, err := c.cluster.Pick(c.hash, tried, reselect)
	if err != nil {
		if c.retries > 0 {
			c.cluster.Retries.Release()
		}
		c.e.Flags |= record.UH
		c.reply(response{status: 503, body: cluster.ErrNoHealthyUpstream.Error(), details: "no_healthy_upstream"})
		return
	}
	c.attempts++
	c.tried = append(c.tried, host)
	c.e.UpstreamHost, c.e.Version = host.Address, host.Version()
	a := &c.theAttempt
	if c.attempts > 1 {
		a = new(attempt) // something may still know the one before
	}
	*a = attempt{c: c, n: c.attempts, retry: c.retries > 0, host: host, pool: c.p.pool(host, c.e.Protocol)}
	c.attempt = a
	a.open()
}

func (a *attempt) open() {
	s, via, ok := a.pool.open(a)
	switch {
	case !ok:
		a.fail(overflow())
	case s != nil:
		a.begin(s, via)
	}
}

// ready is called when a connection has come about.
func (a *attempt) ready(s stream, via *upstream) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if a.over {
		s.Reset(http2.ErrCodeCancel)
		return
	}
	a.begin(s, via)
}

// failed is called when none has.
func (a *attempt) failed(f failure) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if !a.over {
		a.host.Report(cluster.Failed)
		a.fail(f)
	}
}

// begin sends what there is of the request.
func (a *attempt) begin(s stream, via *upstream) {
	c := a.c
	if !c.cluster.Requests.Acquire() {
		s.Reset(http2.ErrCodeCancel)
		a.fail(overflow())
		return
	}
	body := c.held()
	end := c.ended && len(body) == 0 && c.trailers == nil
	a.sent = time.Now()
	if err := a.writeHeaders(s, end); err != nil {
		c.cluster.Requests.Release()
		if errors.Is(err, h2.ErrGoingAway) || errors.Is(err, h2.ErrStreamClosed) {
			a.open() // nothing was sent: another connection takes it
			return
		}
		s.Reset(http2.ErrCodeCancel)
		a.fail(failure{reason: "local reset", flag: record.LR, retry: route.Overflow, status: 503})
		return
	}
	a.s = s
	a.host.Begin()
	c.e.UpstreamLocal = via.local
	if !c.e.Inbound {
		c.e.Principal, c.e.MutualTLS = via.principal, via.principal != ""
	}
	if len(body) > 0 {
		_ = s.WriteData(body, c.ended && c.trailers == nil)
	}
	if c.trailers != nil {
		_ = s.WriteTrailers(c.trailers)
	}
	if len(body) > bufferLimit || !c.keep {
		c.release()
	}
	c.credit()
	if c.ended {
		a.startTimeout()
	}
}

// lists has lists of fields that are not kept.
var lists = sync.Pool{New: func() any { return new(make(field.Fields, 0, 32)) }}

func (a *attempt) writeHeaders(s stream, end bool) error {
	list := lists.Get().(*field.Fields)
	f := append(*list, a.c.head...)
	a.change(&f)
	err := s.WriteHeaders(f, end)
	clear(f)
	*list = f[:0]
	lists.Put(list)
	return err
}

// change makes of the request's fields those of this attempt.
func (a *attempt) change(f *field.Fields) {
	c := a.c
	if c.route.AttemptCount {
		f.Set("x-envoy-attempt-count", strconv.Itoa(a.n))
	}
	expected := c.times.PerTry
	if expected == 0 && c.times.Total > 0 {
		expected = c.times.Total
		if a.n > 1 {
			expected = max(c.times.Total-time.Since(c.e.Start), time.Millisecond)
		}
	}
	if expected > 0 {
		f.Set("x-envoy-expected-rq-timeout-ms", strconv.FormatInt(max(expected.Milliseconds(), 1), 10))
		if c.req.IsGRPC() && !c.e.Inbound {
			a.limit = expected
			f.Set("grpc-timeout", route.FormatGRPCTimeout(expected))
		}
	}
}

// startTimeout bounds the attempt, once the request is complete and has a connection.
func (a *attempt) startTimeout() {
	if d := a.c.times.PerTry; d > 0 && a.s != nil && a.timer == nil && !a.heard && !a.over {
		a.timer = time.AfterFunc(d, a.onTimeout)
	}
}

func (a *attempt) onTimeout() {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if a.over || a.heard {
		return
	}
	a.timeOut()
}

func (a *attempt) timeOut() {
	if a.c.times.PerTry == 0 {
		a.c.timeOut()
		return
	}
	a.host.Report(cluster.TimedOut)
	a.fail(failure{flag: record.UT, retry: route.PerTryTimeout, status: 504})
}

// Headers begins the response.
func (a *attempt) Headers(_ *h2.Stream, fields []hpack.HeaderField, end bool) {
	c := a.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.over {
		return
	}
	if end && field.Fields(fields).Get("grpc-status") == "4" && a.limit > 0 && time.Since(a.sent) >= a.limit {
		a.timeOut() // the callee keeps the same time, and was a moment faster
		return
	}
	a.heard = true
	if a.timer != nil {
		a.timer.Stop()
	}
	f := field.Fields(fields)
	a.host.Report(cluster.ResponseOutcome(c.req.IsGRPC(), f))
	if c.route.Retry.OnResponse(f) && c.again() {
		return
	}
	c.release()
	c.responded = true
	c.e.ServiceTime = max(time.Since(a.sent), 1)
	c.e.Details = "via_upstream"
	c.route.CORS.ChangeResponse(&c.req, &f)
	c.route.ChangeResponse(c.target, &c.req, &f)
	if c.cookie != "" {
		f.Add("set-cookie", c.cookie)
	}
	f.Set("x-envoy-upstream-service-time", strconv.FormatInt(c.e.ServiceTime.Milliseconds(), 10))
	c.note(f)
	if end {
		c.finish() // so that what is recorded is there once the caller knows the end
	}
	_ = c.down.WriteHeaders(f, end)
}

// Data is a part of the response's body.
func (a *attempt) Data(_ *h2.Stream, p []byte, end bool) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if a.over {
		return
	}
	a.c.e.BytesSent += int64(len(p))
	if end {
		a.c.finish()
	}
	_ = a.c.down.WriteData(p, end)
	if end {
		return
	}
	a.owed += len(p)
	a.credit()
}

// credit lets the host send as much as has been passed on.
func (a *attempt) credit() {
	if a.owed > 0 && a.s != nil && a.c.down.Queued() < h2.HighWater {
		a.s.Consumed(a.owed)
		a.owed = 0
	}
}

// Trailers is the end of the response, with fields.
func (a *attempt) Trailers(_ *h2.Stream, fields []hpack.HeaderField) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if a.over {
		return
	}
	a.c.note(fields)
	a.c.finish()
	_ = a.c.down.WriteTrailers(fields)
}

// Reset is the end of the stream, or of its connection, before that of the response.
func (a *attempt) Reset(_ *h2.Stream, err *h2.StreamError) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if a.over {
		return
	}
	f := resetFailure(err, true)
	if !a.heard && a.limit > 0 && err.Kind == h2.RemoteReset && time.Since(a.sent) >= a.limit {
		a.timeOut() // the callee keeps the same time, and was a moment faster
		return
	}
	if !a.heard {
		a.host.Report(cluster.Failed)
		a.fail(f)
		return
	}
	a.c.e.Flags |= f.flag
	a.c.e.Details = "upstream_reset_after_response_started{" + strings.ReplaceAll(f.reason, " ", "_") + "}"
	code := http2.ErrCodeInternal
	if err.Kind == h2.RemoteReset {
		code = err.Code
	}
	a.c.down.Reset(code)
	a.c.finish()
}

// Writable means that the host reads the request again.
func (a *attempt) Writable(*h2.Stream) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	if !a.over {
		a.c.credit()
	}
}
