// Package ca is the certificate authority of the mesh. It signs what sidecars request: their keys never leave them. A
// certificate holds the identity of a workload, its ServiceAccount, as SPIFFE has it, and nothing else.
package ca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

const (
	// Lifetime of a workload's certificate; of the root's, which outlives the shop.
	Lifetime     = 24 * time.Hour
	rootLifetime = 10 * 365 * 24 * time.Hour
	// skew is how long before now a certificate is valid, for clocks that differ.
	skew = 2 * time.Minute

	rootFile, keyFile = "root-cert.pem", "root-key.pem"
	certificateBlock  = "CERTIFICATE"
	keyBlock          = "EC PRIVATE KEY"
	requestBlock      = "CERTIFICATE REQUEST"
)

// Identity is whom a certificate is for.
type Identity struct{ TrustDomain, Namespace, ServiceAccount string }

// URI is the identity as SPIFFE writes it: "spiffe://cluster.local/ns/production/sa/checkoutservice".
func (i Identity) URI() string {
	return "spiffe://" + i.TrustDomain + "/ns/" + i.Namespace + "/sa/" + i.ServiceAccount
}

// CA signs certificates. It is safe for concurrent use.
type CA struct {
	root *x509.Certificate
	key  *ecdsa.PrivateKey
	now  func() time.Time
}

// Open returns the authority whose root is kept in a directory, and makes one there if there is none. Its key is readable
// by the user alone.
func Open(dir string, now func() time.Time) (*CA, error) {
	c := &CA{now: now}
	err := c.load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = c.create(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open certificate authority: %w", err)
	}
	return c, nil
}

func (c *CA) load(dir string) error {
	keyPEM, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		return err
	}
	rootPEM, err := os.ReadFile(filepath.Join(dir, rootFile))
	if err != nil {
		return err
	}
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return fmt.Errorf("%s is not a key; remove the directory %s to make new certificates", keyFile, dir)
	}
	if c.key, err = x509.ParseECPrivateKey(block.Bytes); err != nil {
		return fmt.Errorf("%s: %w", keyFile, err)
	}
	if block, _ = pem.Decode(rootPEM); block == nil {
		return fmt.Errorf("%s is not a certificate; remove the directory %s to make new certificates", rootFile, dir)
	}
	if c.root, err = x509.ParseCertificate(block.Bytes); err != nil {
		return fmt.Errorf("%s: %w", rootFile, err)
	}
	if public, ok := c.root.PublicKey.(*ecdsa.PublicKey); !ok || !public.Equal(&c.key.PublicKey) {
		return fmt.Errorf("%s does not fit %s; remove the directory %s to make new certificates", keyFile, rootFile, dir)
	}
	if c.now().After(c.root.NotAfter) {
		return fs.ErrNotExist // a new one is made
	}
	return nil
}

// create makes a root. The key is written first, so that a root without a key is never left behind.
func (c *CA) create(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := c.now()
	serial, err := serialNumber()
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{"cluster.local"}, CommonName: "shopctl mesh root"},
		NotBefore: now.Add(-skew), NotAfter: now.Add(rootLifetime),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	if c.root, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	c.key = key
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := write(dir, keyFile, keyBlock, keyDER); err != nil {
		return err
	}
	return write(dir, rootFile, certificateBlock, der)
}

// write writes a file whole or not at all, for the user alone.
func write(dir, name, block string, der []byte) error {
	f, err := os.CreateTemp(dir, name) // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = pem.Encode(f, &pem.Block{Type: block, Bytes: der})
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, name))
}

func serialNumber() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

// Root is the certificate that sidecars trust, in PEM.
func (c *CA) Root() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: c.root.Raw})
}

// RequestError is why a request is not signed.
type RequestError struct{ Reason string }

func (e *RequestError) Error() string { return "sign certificate request: " + e.Reason }

// Sign returns the certificate for a request in PEM, by who made it. The request must be for that identity and no other.
func (c *CA) Sign(request []byte, who Identity) ([]byte, error) {
	csr, err := parseRequest(request)
	if err != nil {
		return nil, &RequestError{err.Error()}
	}
	id, err := url.Parse(who.URI())
	if err != nil {
		return nil, &RequestError{err.Error()}
	}
	if len(csr.URIs) != 1 || csr.URIs[0].String() != id.String() || len(csr.DNSNames)+len(csr.IPAddresses)+len(csr.EmailAddresses) > 0 {
		return nil, &RequestError{fmt.Sprintf("it is for %v and other names, want %s alone", csr.URIs, id)}
	}
	serial, err := serialNumber()
	if err != nil {
		return nil, fmt.Errorf("sign certificate request: %w", err)
	}
	now := c.now()
	template := &x509.Certificate{
		SerialNumber: serial, URIs: []*url.URL{id},
		NotBefore: now.Add(-skew), NotAfter: now.Add(Lifetime),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.root, csr.PublicKey, c.key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate request: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: der}), nil
}

func parseRequest(request []byte) (*x509.CertificateRequest, error) {
	block, rest := pem.Decode(request)
	if block == nil || block.Type != requestBlock || len(rest) > 0 {
		return nil, errors.New("it is not one certificate request in PEM")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, err
	}
	if key, ok := csr.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("its key is not of the curve P-256")
	}
	return csr, nil
}

// Request returns a new key and the request for a certificate of an identity, in PEM.
func Request(who Identity) (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("request certificate: %w", err)
	}
	id, err := url.Parse(who.URI())
	if err != nil {
		return nil, nil, fmt.Errorf("request certificate: %w", err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{URIs: []*url.URL{id}}, key)
	if err != nil {
		return nil, nil, fmt.Errorf("request certificate: %w", err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: requestBlock, Bytes: der}), nil
}
