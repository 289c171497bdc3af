package proxy

import (
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/jwt"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/rbac"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/route"
)

// admit prepares the request and lets it pass the filters. It reports whether it has: otherwise it has replied.
func (c *call) admit(config *listenerConfig) bool {
	if !c.head.Has(":authority") && c.head.Has("host") {
		c.head.Add(":authority", c.head.Get("host"))
	}
	c.head.Del("host")
	if config.authority != "" {
		c.head.Set(":authority", config.authority)
	}
	if c.head.Get("x-request-id") == "" {
		c.head.Set("x-request-id", newRequestID())
	}
	c.forwardCertificate()
	c.enter()
	c.req = field.ReadRequest(c.head)
	c.describe()
	path, ok := field.NormalizePath(c.req.Path)
	if !ok {
		c.reply(response{status: 400, details: "path_normalization_failed"})
		return false
	}
	if path != c.req.Path {
		c.head.Set(":path", path)
		c.req = field.ReadRequest(c.head)
	}
	return c.filter()
}

// describe notes of the request what the access log has.
func (c *call) describe() {
	c.e.Method, c.e.Path, c.e.Authority, c.e.GRPC = c.req.Method, c.req.Path, c.req.Authority, c.req.IsGRPC()
	for i := range c.head {
		switch h := &c.head[i]; h.Name {
		case "x-request-id":
			c.e.RequestID = h.Value
		case "user-agent":
			c.e.UserAgent = h.Value
		case "x-forwarded-for":
			c.e.ForwardedFor = h.Value
		case "traceparent":
			if c.p.opt.Trace && !c.began && c.e.Span.Read(h.Value) {
				h.Value = c.e.Span.String()
			}
		}
	}
	if c.e.Inbound && c.d.peer != nil && len(c.d.peer.URIs) > 0 {
		c.e.Principal = c.d.peer.URIs[0]
	}
}

// forwardCertificate shows the workload whose request it is. What a caller itself says of that counts only if the caller has proved
// who it is, and then as what that caller says.
func (c *call) forwardCertificate() {
	const header = "x-forwarded-client-cert"
	forwards := c.manager.certs == hcmv3.HttpConnectionManager_APPEND_FORWARD
	if !forwards || c.d.peer == nil {
		c.head.Del(header)
	}
	if c.d.peer == nil || !forwards && c.manager.certs != hcmv3.HttpConnectionManager_SANITIZE_SET {
		return
	}
	value := c.d.certificates()
	if before := c.head.Get(header); before != "" {
		value = before + "," + value
	}
	c.head.Set(header, value)
}

// forwarded is what the callee receives of a connection's two certificates.
type forwarded struct {
	own   *tls.Certificate // of which value was made
	value string
}

// certificates names the workload's own certificate and the caller's, as Envoy writes them. The own one is replaced now and then, the
// caller's stays that of the connection.
func (d *downstream) certificates() string {
	var own *tls.Certificate
	if id := d.listener.proxy.opt.Identity; id != nil {
		own, _ = id.Certificate() // none yet: it is not named
	}
	if last := d.forwarded.Load(); last != nil && last.own == own {
		return last.value
	}
	var b strings.Builder
	if own != nil && own.Leaf != nil && len(own.Leaf.URIs) > 0 {
		fmt.Fprintf(&b, "By=%s;", own.Leaf.URIs[0])
	}
	fmt.Fprintf(&b, `Subject="%s"`, strings.ReplaceAll(d.peer.Subject, `"`, `\"`))
	for _, uri := range d.peer.URIs {
		b.WriteString(";URI=" + uri)
	}
	for _, name := range d.peer.DNS {
		b.WriteString(";DNS=" + name)
	}
	d.forwarded.Store(&forwarded{own, b.String()})
	return b.String()
}

// meant notes of a request that is denied at which port of the workload: as in Envoy, by the cluster that it would have gone to.
func (c *call) meant() {
	if !c.e.Inbound {
		return
	}
	if r := c.manager.routes.Match(c.req.Authority, &c.req); r != nil && len(r.Targets()) > 0 {
		c.e.Cluster = r.Targets()[0].Cluster
	}
}

// filter lets the request pass the filters in their order.
func (c *call) filter() bool {
	if len(c.manager.filters) == 0 {
		return true
	}
	r := c.d.rbacRequest()
	r.HTTP = &c.req
	for _, f := range c.manager.filters {
		if f.jwt != nil {
			metadata, denial := f.jwt.Authenticate(&c.head, time.Now())
			if denial != nil {
				c.meant()
				c.reply(response{
					status: denial.Status, body: denial.Body, details: denial.Details,
					extra: field.Fields{{Name: "www-authenticate", Value: denial.WWWAuthenticate}},
				})
				return false
			}
			c.req = field.ReadRequest(c.head)
			r.Metadata = map[string]map[string]any{jwt.FilterName: metadata}
			continue
		}
		d := f.rbac.Evaluate(&r)
		if !d.ShadowAllowed {
			c.e.Shadow = cmp.Or(d.Shadow, "none")
		}
		if c.e.Policy = d.Policy; !d.Allowed {
			c.e.Policy = "" // the details have it
			c.meant()
			c.reply(response{status: 403, body: rbac.Denied, details: d.Details()})
			return false
		}
	}
	return true
}

// inject finds the route, and injects its faults before the request is routed.
func (c *call) inject() {
	if c.redirect() {
		return
	}
	c.route = c.manager.routes.Match(c.req.Authority, &c.req)
	if c.route == nil {
		c.e.Flags |= record.NR
		c.reply(response{status: 404, details: "route_not_found"})
		return
	}
	c.e.Route, c.e.Operation = c.route.Name, c.route.Operation
	c.e.Config, c.e.Rule, c.e.Match = c.route.Origin("config"), c.route.Origin("rule"), c.route.Origin("match")
	delay, abort := c.route.Fault.Roll(&c.req, random)
	if delay == 0 {
		c.afterDelay(abort)
		return
	}
	c.e.Flags |= record.DI
	c.wait = time.AfterFunc(delay, func() {
		c.p.group.Do(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if !c.done {
				c.afterDelay(abort)
			}
		})
	})
}

func (c *call) afterDelay(abort *route.Abort) {
	if abort == nil {
		c.dispatch()
		return
	}
	c.e.Flags |= record.FI
	r := response{status: abort.HTTP, body: "fault filter abort", details: "fault_filter_abort"}
	if abort.HTTP == 0 {
		r.status, r.grpc = 200, new(codes.Code)
		*r.grpc = abort.GRPC
	}
	c.reply(r)
}

// dispatch does what the route says.
func (c *call) dispatch() {
	if preflight, ok := c.route.CORS.Preflight(&c.req); ok {
		c.answer(preflight, "")
		return
	}
	switch {
	case c.route.Redirect != nil:
		c.reply(response{
			status: c.route.Redirect.Status, plain: true,
			extra: field.Fields{{Name: "location", Value: c.route.Redirect.Location(&c.req)}},
		})
		return
	case c.route.Direct != nil:
		c.reply(response{status: c.route.Direct.Status, body: c.route.Direct.Body, details: "direct_response"})
		return
	}
	c.target = c.route.Pick(random)
	c.e.Cluster = c.target.Cluster
	if c.cluster = c.p.clusters.Get(c.target.Cluster); c.cluster == nil {
		c.e.Flags |= record.NC
		c.reply(response{status: 503, details: "cluster_not_found"})
		return
	}
	if c.cluster.HTTP2 && upgrading(c.head) { // which has no such change: it is a request like others, and complete
		c.head.Del("connection")
		c.head.Del("upgrade")
		c.ended = true
	}
	c.times = c.route.Timeouts(&c.req)
	if c.route.Hashes() {
		c.hash, _, c.cookie = c.route.Hash(&c.req, c.d.rbacRequest().DirectIP.String())
	}
	c.route.ChangeRequest(c.target, &c.head)
	c.keep = c.route.Retry != nil || len(c.route.Mirrors) > 0
	c.routed = true
	c.try()
	if c.ended {
		c.startTimeouts()
	}
}

func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var text [36]byte
	at := text[:0]
	for i := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			at = append(at, '-')
		}
		at = hex.AppendEncode(at, b[i:i+1])
	}
	return string(at)
}
