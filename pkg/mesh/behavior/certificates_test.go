package behavior

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificates are those of programs that serve TLS themselves, by an authority that is none of the mesh, and in files what a
// DestinationRule can name: ca.pem, other-ca.pem, client.pem and client.key. In a case, TLS_DIR is the directory.
type certificates struct {
	dir     string
	server  tls.Certificate // of all services
	callers *x509.CertPool
}

func newCertificates(t *testing.T) *certificates {
	t.Helper()
	c := &certificates{dir: t.TempDir(), callers: x509.NewCertPool()}
	authority := issue(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	other := issue(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	var names []string
	for name := range services() {
		names = append(names, name+".production.svc.cluster.local")
	}
	c.server = issue(t, &x509.Certificate{DNSNames: names}, &authority)
	client := issue(t, &x509.Certificate{DNSNames: []string{"caller.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, &authority)
	c.callers.AddCert(authority.Leaf)
	key, err := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"ca.pem": {Type: "CERTIFICATE", Bytes: authority.Certificate[0]}, "other-ca.pem": {Type: "CERTIFICATE", Bytes: other.Certificate[0]},
		"client.pem": {Type: "CERTIFICATE", Bytes: client.Certificate[0]}, "client.key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(c.dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// issue makes a certificate, which an authority signs, or nil itself.
func issue(t *testing.T, template *x509.Certificate, by *tls.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, any(key)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// config is how a program serves TLS: "SIMPLE", or "MUTUAL" with a certificate of its caller.
func (c *certificates) config(mode, kind string) *tls.Config {
	config := &tls.Config{Certificates: []tls.Certificate{c.server}, NextProtos: []string{map[string]string{"grpc": "h2", "http": "http/1.1"}[kind]}}
	if mode == "MUTUAL" {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, c.callers
	}
	return config
}
