package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/rbac"
)

var errNoIdentity = errors.New("the sidecar has no certificate yet")

// longestHello bounds what is read of a caller before it is known.
const longestHello = 64 << 10

// peekHello reads the caller's first message of TLS, and leaves it to be read again.
func (d *downstream) peekHello() (*tls.ClientHelloInfo, error) {
	var hello *tls.ClientHelloInfo
	var seen bytes.Buffer
	errSeen := errors.New("seen")
	err := tls.Server(&deaf{d.conn, io.TeeReader(io.LimitReader(d.raw, longestHello), &seen)}, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			hello = h
			return nil, errSeen
		},
	}).HandshakeContext(d.listener.proxy.ctx)
	d.raw = bufio.NewReader(io.MultiReader(&seen, d.raw))
	if hello == nil {
		return nil, err
	}
	return hello, nil
}

// deaf is a connection to which nothing is written.
type deaf struct {
	net.Conn
	r io.Reader
}

func (c *deaf) Read(p []byte) (int, error)  { return c.r.Read(p) }
func (c *deaf) Write(p []byte) (int, error) { return len(p), nil }

// handshake makes the connection one of TLS, and serves it.
func (d *downstream) handshake(c *chain) {
	config := d.serverConfig(c.tls)
	if config == nil {
		return // no one is trusted yet
	}
	if slices.ContainsFunc(d.alpn, func(p string) bool { return slices.Contains(c.tls.alpn, p) }) {
		config.NextProtos = c.tls.alpn // TLS without a common protocol is none of Go's
	}
	var below net.Conn = &sniffed{d.conn, d.raw}
	if c.http != nil && slices.Contains(d.alpn, "h2") {
		below = &sniffed{h2.Nonblock(d.conn), d.raw}
	}
	conn := tls.Server(below, config)
	ctx, cancel := context.WithTimeout(d.listener.proxy.ctx, helloTime)
	defer cancel()
	if conn.HandshakeContext(ctx) != nil {
		return
	}
	if certs := conn.ConnectionState().PeerCertificates; len(certs) > 0 {
		d.peer = &rbac.Peer{DNS: certs[0].DNSNames, Subject: certs[0].Subject.String()}
		for _, uri := range certs[0].URIs {
			d.peer.URIs = append(d.peer.URIs, uri.String())
		}
	}
	if c.http == nil {
		d.raw = bufio.NewReader(conn)
		d.splicing(c, conn)
		return
	}
	d.serveHTTP(conn, bufio.NewReader(conn))
}

// serverConfig is how a connection is secured; nil while the sidecar has no certificate of the mesh, or trusts no one.
func (d *downstream) serverConfig(t *serverTLS) *tls.Config {
	config := &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true, // so that every connection shows a certificate that is valid
		VerifyConnection: func(s tls.ConnectionState) error {
			if t.names == nil {
				return nil
			}
			names := peerNames(s.PeerCertificates[0])
			for _, fits := range t.names {
				if slices.ContainsFunc(names, fits) {
					return nil
				}
			}
			return fmt.Errorf("the caller's certificate is for %q, which is not of this mesh", names)
		},
	}
	if t.own != nil {
		config.Certificates = []tls.Certificate{t.own.certificate}
		if config.ClientCAs = t.own.callers; config.ClientCAs != nil {
			config.ClientAuth = tls.RequireAndVerifyClientCert
		}
		return config
	}
	id := d.listener.proxy.opt.Identity
	if id == nil || id.Roots() == nil { // nil would be the system's authorities
		return nil
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, id.Roots()
	config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return id.Certificate() }
	return config
}

// peerNames are the names of a certificate.
func peerNames(cert *x509.Certificate) []string {
	names := slices.Clone(cert.DNSNames)
	for _, uri := range cert.URIs {
		names = append(names, uri.String())
	}
	return names
}

// dial connects to a host, and secures the connection as the host wants it. The second result is whom the host has proved to be.
func (p *Proxy) dial(h *cluster.Host, http2 bool) (net.Conn, string, error) {
	ctx, cancel := context.WithTimeout(p.ctx, h.Cluster.ConnectTimeout)
	defer cancel()
	raw, err := p.opt.Wire.Dial(ctx, serviceOf(h.Cluster), func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", h.Address)
	})
	if err != nil {
		return nil, "", err
	}
	t := h.TLS()
	if t == nil {
		return raw, "", nil
	}
	config, err := p.configOf(h, t)
	if err != nil {
		_ = raw.Close()
		return nil, "", err
	}
	below := raw
	if http2 {
		below = h2.Nonblock(raw)
	}
	conn := tls.Client(below, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, "", err
	}
	principal := ""
	if t.Files != nil {
		return conn, "", nil // the callee is not known to be of the mesh
	}
	if uris := conn.ConnectionState().PeerCertificates[0].URIs; len(uris) > 0 {
		principal = uris[0].String()
	}
	return conn, principal, nil
}

// serviceOf is the full name of the service that a cluster is of; empty for the workload's own program.
func serviceOf(c *cluster.Cluster) string { return c.Name[strings.LastIndexByte(c.Name, '|')+1:] }

// configOf is how connections to a host are secured.
func (p *Proxy) configOf(h *cluster.Host, t *cluster.TLS) (*tls.Config, error) {
	switch {
	case t.Files != nil:
		return fileTLS(t, serviceOf(h.Cluster))
	case p.opt.Identity == nil:
		return nil, errNoIdentity
	}
	return p.clientTLS(t), nil
}

func (p *Proxy) clientTLS(t *cluster.TLS) *tls.Config {
	id := p.opt.Identity
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: t.ServerName,
		NextProtos: t.ALPN,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return id.Certificate()
		},
		InsecureSkipVerify: true, // the name is not that of a host: VerifyConnection verifies chain and identity
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || id.Roots() == nil {
				return errNoIdentity
			}
			leaf := s.PeerCertificates[0]
			options := x509.VerifyOptions{Roots: id.Roots(), Intermediates: between(s.PeerCertificates), CurrentTime: time.Now()}
			if _, err := leaf.Verify(options); err != nil {
				return err
			}
			return accepted(t, leaf)
		},
	}
}
