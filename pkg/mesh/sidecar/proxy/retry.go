package proxy

import (
	"strings"
	"time"

	"golang.org/x/net/http2"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
)

// end ends the attempt. Its stream is reset if it has not ended.
func (a *attempt) end(code http2.ErrCode) {
	if a.over {
		return
	}
	a.over = true
	if a.timer != nil {
		a.timer.Stop()
	}
	a.uncount()
	if a.s == nil {
		a.pool.forget(a)
		return
	}
	a.s.Reset(code)
	a.host.End()
	a.c.cluster.Requests.Release()
}

// uncount is the end of the attempt as one of the retries that are under way.
func (a *attempt) uncount() {
	if a.retry {
		a.retry = false
		a.c.cluster.Retries.Release()
	}
}

// fail ends the attempt without a response: there is another, or the call ends.
func (a *attempt) fail(f failure) {
	c := a.c
	if c.route.Retry.OnReset(f.retry) && c.again() {
		return
	}
	c.e.Flags |= f.flag
	c.e.TransportFailure = f.transport
	if f.reason == "" {
		c.reply(response{status: f.status, body: "upstream request timeout", details: "upstream_per_try_timeout"})
		return
	}
	body := "upstream connect error or disconnect/reset before headers. "
	if c.attempts > 1 {
		body += "retried and the latest "
	}
	body += "reset reason: " + f.reason
	details := f.reason
	if f.transport != "" {
		body += ", transport failure reason: " + f.transport
		details += "|" + f.transport
	}
	r := response{status: f.status, body: body, details: "upstream_reset_before_response_started{" + strings.ReplaceAll(details, " ", "_") + "}"}
	if f.flag == record.UO {
		r.extra = field.Fields{{Name: "x-envoy-overloaded", Value: "true"}}
	}
	c.reply(r)
}

// again ends the attempt and arranges for another, if there may be one.
func (c *call) again() bool {
	p := c.route.Retry
	if c.responded || !c.keep {
		return false
	}
	c.attempt.uncount() // before the next one is counted: a limit of one retry at a time is not one of each request
	switch {
	case c.retries >= p.Retries:
		c.e.Flags |= record.URX
		return false
	case !c.cluster.Retries.Acquire():
		c.e.Flags |= record.UO
		return false
	}
	c.attempt.end(http2.ErrCodeCancel)
	c.attempt = nil
	c.retries++
	c.backing = true
	c.wait = time.AfterFunc(p.Backoff(int(c.retries), random), func() {
		c.p.group.Do(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.done {
				c.cluster.Retries.Release()
				return
			}
			c.backing = false
			c.try()
		})
	})
	return true
}
