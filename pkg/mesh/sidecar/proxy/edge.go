package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
)

// enter says of a request from outside who sent it, and how, and begins its trace if it has none. A caller's own x-request-id is
// kept, as Envoy keeps it for callers on its own machine.
func (c *call) enter() {
	if !c.manager.edge {
		return
	}
	from := c.d.rbacRequest().DirectIP.String()
	if before := c.head.Get("x-forwarded-for"); before != "" {
		from = before + "," + from
	}
	c.head.Set("x-forwarded-for", from)
	proto := "http"
	if c.d.secure {
		proto = "https"
	}
	c.head.Set("x-forwarded-proto", proto)
	var span record.SpanContext
	if c.manager.traces && c.p.opt.Trace && !span.Read(c.head.Get("traceparent")) {
		c.began = true
		c.e.Span.Begin()
		c.head.Set("traceparent", c.e.Span.String())
	}
}

// redirect answers a request that should have come with TLS, and reports whether it has.
func (c *call) redirect() bool {
	if c.d.secure || !c.manager.routes.Redirects(c.req.Authority) {
		return false
	}
	c.reply(response{
		status: 301, plain: true, details: "https_redirect",
		extra: field.Fields{{Name: "location", Value: "https://" + c.req.Authority + c.req.Path}},
	})
	return true
}

// ownTLS is what a gateway shows callers, who need not be of the mesh.
type ownTLS struct {
	certificate tls.Certificate
	callers     *x509.CertPool // whose certificates callers have to show; nil: they show none
}

// compileOwnTLS returns that of a socket with a certificate of its own; nil for one of mutual TLS within the mesh.
func compileOwnTLS(context *tlsv3.DownstreamTlsContext) (*ownTLS, error) {
	common := context.GetCommonTlsContext()
	if len(common.GetTlsCertificates()) == 0 {
		if !context.GetRequireClientCertificate().GetValue() {
			return nil, errors.New("TLS without a certificate of the caller is not supported")
		}
		return nil, nil
	}
	own := &ownTLS{}
	var err error
	one := common.GetTlsCertificates()[0]
	if own.certificate, err = tls.X509KeyPair(one.GetCertificateChain().GetInlineBytes(), one.GetPrivateKey().GetInlineBytes()); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if context.GetRequireClientCertificate().GetValue() {
		own.callers = x509.NewCertPool()
		if !own.callers.AppendCertsFromPEM(common.GetValidationContext().GetTrustedCa().GetInlineBytes()) {
			return nil, errors.New("there is no certificate of an authority in trusted_ca")
		}
	}
	return own, nil
}

// takes reports whether a connection is secured as the chain has it.
func (c *chain) takes(d *downstream) bool {
	switch {
	case c.tls == nil:
		return d.peer == nil
	case c.tls.own != nil && c.tls.own.callers == nil:
		return d.secure
	}
	return d.peer != nil
}

// named reports whether the chain is for connections to a server name.
func (c *chain) named(server string) bool {
	return c.servers == nil || slices.ContainsFunc(c.servers, func(pattern string) bool {
		suffix, wild := strings.CutPrefix(pattern, "*")
		return strings.EqualFold(pattern, server) || wild && strings.HasSuffix(strings.ToLower(server), suffix)
	})
}

// byName orders chains for server names as Envoy does: names first, then the longest ends, then all.
func byName(a, b *chain) int { return rank(b) - rank(a) }

func rank(c *chain) (best int) {
	for _, pattern := range c.servers {
		n := len(pattern)
		if !strings.HasPrefix(pattern, "*") {
			n += 1 << 16
		}
		best = max(best, n)
	}
	return best
}
