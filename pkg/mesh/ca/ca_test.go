package ca_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/mesh/ca"
)

var checkout = ca.Identity{TrustDomain: "cluster.local", Namespace: "production", ServiceAccount: "checkoutservice"}

func open(t *testing.T, dir string, now time.Time) *ca.CA {
	t.Helper()
	c, err := ca.Open(dir, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// certificate is the first of a PEM text.
func certificate(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("not PEM: %s", text)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACertificateHoldsTheIdentityForADay(t *testing.T) {
	now := time.Now()
	c := open(t, t.TempDir(), now)
	key, request, err := ca.Request(checkout)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := c.Sign(request, checkout)
	if err != nil {
		t.Fatal(err)
	}
	cert := certificate(t, signed)
	if len(cert.URIs) != 1 || cert.URIs[0].String() != "spiffe://cluster.local/ns/production/sa/checkoutservice" || cert.IsCA {
		t.Errorf("the certificate is for %v, of an authority: %v", cert.URIs, cert.IsCA)
	}
	if left := cert.NotAfter.Sub(now); left <= 23*time.Hour || left > 24*time.Hour {
		t.Errorf("it is valid for %v", left)
	}
	if public, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || !public.Equal(key.Public()) {
		t.Error("it is for another key")
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.Root())
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}, CurrentTime: now}); err != nil {
			t.Error(err)
		}
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now.Add(25 * time.Hour)}); err == nil {
		t.Error("it is valid after a day")
	}
}

func TestOnlyTheIdentityOfTheCallerIsSigned(t *testing.T) {
	c := open(t, t.TempDir(), time.Now())
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := &url.URL{Scheme: "spiffe", Host: "cluster.local", Path: "/ns/production/sa/checkoutservice"}
	other := &url.URL{Scheme: "spiffe", Host: "cluster.local", Path: "/ns/production/sa/paymentservice"}
	for name, template := range map[string]*x509.CertificateRequest{
		"another's":           {URIs: []*url.URL{other}},
		"another's beside it": {URIs: []*url.URL{own, other}},
		"another domain's":    {URIs: []*url.URL{{Scheme: "spiffe", Host: "other", Path: own.Path}}},
		"none":                {},
		"a host beside it":    {URIs: []*url.URL{own}, DNSNames: []string{"paymentservice"}},
	} {
		der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Sign(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), checkout)
		if refused := new(ca.RequestError); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyRequestsOfGoodKeysAreSigned(t *testing.T) {
	c := open(t, t.TempDir(), time.Now())
	own := &url.URL{Scheme: "spiffe", Host: "cluster.local", Path: "/ns/production/sa/checkoutservice"}
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{URIs: []*url.URL{own}}, weak)
	if err != nil {
		t.Fatal(err)
	}
	_, good, err := ca.Request(checkout)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(good)
	torn := append([]byte{}, block.Bytes...)
	torn[len(torn)-1] ^= 1
	for name, request := range map[string][]byte{
		"RSA":            pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
		"torn signature": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: torn}),
		"two":            append(append([]byte{}, good...), good...),
		"empty":          nil,
		"not PEM":        []byte("hello"),
	} {
		if _, err := c.Sign(request, checkout); err == nil {
			t.Errorf("%s is signed", name)
		}
	}
}

func TestTheRootIsKeptForTheUserAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	now := time.Now()
	first := open(t, dir, now)
	if second := open(t, dir, now); string(second.Root()) != string(first.Root()) {
		t.Error("the root is another one the second time")
	}
	for name, mode := range map[string]os.FileMode{".": 0o700, "root-key.pem": 0o600, "root-cert.pem": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, error %v", name, info.Mode(), err)
		}
	}
	if later := open(t, dir, now.Add(11*365*24*time.Hour)); string(later.Root()) == string(first.Root()) {
		t.Error("an expired root is used")
	}
	if err := os.WriteFile(filepath.Join(dir, "root-key.pem"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ca.Open(dir, time.Now); err == nil {
		t.Error("a torn key is used")
	}
}
