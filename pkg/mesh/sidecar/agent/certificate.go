package agent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"time"

	certificates "istio.io/api/security/v1alpha1"

	"github.com/shopctl/shopctl/pkg/mesh/ca"
)

// certificate is what the sidecar shows its peers, and the root that it trusts. It is safe for concurrent use.
type certificate struct {
	mu    sync.Mutex
	own   *tls.Certificate
	roots *x509.CertPool
	// ready is closed once there is one.
	ready chan struct{}
}

func newCertificate() *certificate { return &certificate{ready: make(chan struct{})} }

// errNoCertificate is the error of a handshake before the first certificate.
var errNoCertificate = errors.New("the sidecar has no certificate yet")

// Certificate returns what the sidecar shows.
func (c *certificate) Certificate() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil {
		return nil, errNoCertificate
	}
	return c.own, nil
}

// Leaf is the certificate itself; nil before the first.
func (c *certificate) Leaf() *x509.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil {
		return nil
	}
	return c.own.Leaf
}

// Roots are the authorities that it trusts; none before the first certificate.
func (c *certificate) Roots() *x509.CertPool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.roots == nil {
		return x509.NewCertPool()
	}
	return c.roots
}

// Ready is closed once there is a certificate.
func (c *certificate) Ready() <-chan struct{} { return c.ready }

func (c *certificate) set(own *tls.Certificate, roots *x509.CertPool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil {
		close(c.ready)
	}
	c.own, c.roots = own, roots
}

// Rotate keeps the certificate valid until ctx ends: a new one, with a new key, is requested at half of its life.
func (a *Agent) Rotate(ctx context.Context) {
	for attempt := 0; ; {
		own, roots, err := a.requestCertificate(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.cfg.Report(fmt.Errorf("request certificate: %w", err))
			if !pause(ctx, attempt) {
				return
			}
			attempt++
			continue
		}
		attempt = 0
		a.set(own, roots)
		if a.cfg.Renewed != nil {
			a.cfg.Renewed()
		}
		timer := time.NewTimer(time.Until(own.Leaf.NotAfter) / 2)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (a *Agent) requestCertificate(ctx context.Context) (*tls.Certificate, *x509.CertPool, error) {
	key, request, err := ca.Request(a.cfg.Identity)
	if err != nil {
		return nil, nil, err
	}
	response, err := certificates.NewIstioCertificateServiceClient(a.conn).CreateCertificate(a.authorized(ctx), &certificates.IstioCertificateRequest{Csr: string(request)})
	if err != nil {
		return nil, nil, err
	}
	chain := response.GetCertChain()
	if len(chain) < 2 {
		return nil, nil, fmt.Errorf("the response has %d certificates, want the sidecar's own and the root", len(chain))
	}
	block, _ := pem.Decode([]byte(chain[0]))
	roots := x509.NewCertPool()
	if block == nil || !roots.AppendCertsFromPEM([]byte(chain[len(chain)-1])) {
		return nil, nil, errors.New("the response is not PEM")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	if !key.PublicKey.Equal(leaf.PublicKey) {
		return nil, nil, errors.New("the certificate is for another key")
	}
	return &tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key, Leaf: leaf}, roots, nil
}
