package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
)

// fileTLS is TLS by files with a callee that is called by the name of a service.
func fileTLS(t *cluster.TLS, service string) (*tls.Config, error) {
	f := t.Files
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, NextProtos: t.ALPN}
	if config.ServerName == "" && f.AutoName {
		config.ServerName = service
	}
	if f.Certificate != "" {
		own, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
		if err != nil {
			return nil, fmt.Errorf("read certificate for calls to %s: %w", service, err)
		}
		config.Certificates = []tls.Certificate{own}
	}
	roots, err := rootsOf(f.Root)
	if err != nil {
		return nil, fmt.Errorf("read authorities for calls to %s: %w", service, err)
	}
	config.InsecureSkipVerify = true // VerifyConnection verifies: the name may be none that is asked for
	config.VerifyConnection = func(s tls.ConnectionState) error { return verify(s, t, roots, config.ServerName) }
	return config, nil
}

// rootsOf reads the authorities of a file; nil for the system's, and for none.
func rootsOf(file string) (*x509.CertPool, error) {
	if file == "" || file == cluster.SystemRoots {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("there is no certificate in %s", file)
	}
	return pool, nil
}

// verify verifies who a callee is: its chain, and its name where one is expected.
func verify(s tls.ConnectionState, t *cluster.TLS, roots *x509.CertPool, name string) error {
	if t.Files.Root == "" {
		return nil
	}
	if len(s.PeerCertificates) == 0 {
		return fmt.Errorf("the callee shows no certificate")
	}
	leaf := s.PeerCertificates[0]
	options := x509.VerifyOptions{Roots: roots, Intermediates: between(s.PeerCertificates), CurrentTime: time.Now()}
	if t.Files.Named {
		options.DNSName = name
	}
	if _, err := leaf.Verify(options); err != nil {
		return err
	}
	return accepted(t, leaf)
}

// between is a pool of all certificates that a peer shows but its own.
func between(shown []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, cert := range shown[1:] {
		pool.AddCert(cert)
	}
	return pool
}

// accepted is an error if a certificate has none of the names that a cluster expects.
func accepted(t *cluster.TLS, leaf *x509.Certificate) error {
	if names := peerNames(leaf); !t.Accepts(names...) {
		return fmt.Errorf("verify SAN list: the certificate is for %q, which is not the service's identity", names)
	}
	return nil
}
