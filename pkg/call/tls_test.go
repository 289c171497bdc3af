package call_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// identity is a certificate that signs itself, for the name shop.example, and the paths of it and its key.
type identity struct {
	pair      tls.Certificate
	cert, key string
}

func newIdentity(t *testing.T) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{"shop.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	encodedKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certPEM, keyPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encodedKey})
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return identity{pair, write(t, dir, "cert.pem", certPEM), write(t, dir, "key.pem", keyPEM)}
}

// serveTLS serves a cart with TLS. With clients, a client must have that identity.
func serveTLS(t *testing.T, server identity, clients *identity) string {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{server.pair}}
	if clients != nil {
		leaf, err := x509.ParseCertificate(clients.pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		config.ClientCAs.AddCert(leaf)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)))
	hipstershop.RegisterCartServiceServer(s, &cart{})
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String()
}

func TestACallChecksTheServersCertificate(t *testing.T) {
	server := newIdentity(t)
	addr := serveTLS(t, server, nil)
	for _, test := range []struct {
		name      string
		tls       *call.TLS
		authority string
		want      codes.Code
		text      string
	}{
		{"its name and the one who signed it fit", &call.TLS{CACert: server.cert, ServerName: "shop.example"}, "", codes.OK, ""},
		{"the authority is its name", &call.TLS{CACert: server.cert}, "shop.example", codes.OK, ""},
		{"any is accepted", &call.TLS{Insecure: true}, "", codes.OK, ""},
		{"it has another name", &call.TLS{CACert: server.cert}, "", codes.Unavailable, "certificate"},
		{"somebody else signed it", &call.TLS{CACert: newIdentity(t).cert, ServerName: "shop.example"}, "", codes.Unavailable, "certificate"},
		{"the system does not know who signed it", &call.TLS{ServerName: "shop.example"}, "", codes.Unavailable, "certificate"},
		{"the call is plaintext", nil, "", codes.Unavailable, ""},
	} {
		target := cartTarget(addr)
		target.TLS, target.Authority = test.tls, test.authority
		r := invoke(t, newCaller(t), call.Request{Target: target, Method: "GetCart", Messages: strings.NewReader("{}"), Deadline: 20 * time.Second})
		if r.Status.Code() != test.want || !strings.Contains(r.Status.Message(), test.text) {
			t.Errorf("%s: %v", test.name, r.Status)
		}
	}
}

func TestACallShowsTheClientsCertificate(t *testing.T) {
	server, client := newIdentity(t), newIdentity(t)
	target := cartTarget(serveTLS(t, server, &client))
	target.TLS = &call.TLS{CACert: server.cert, ServerName: "shop.example", Cert: client.cert, Key: client.key}
	request := call.Request{Target: target, Method: "GetCart", Messages: strings.NewReader("{}"), Deadline: 20 * time.Second}
	if r := invoke(t, newCaller(t), request); r.Status.Code() != codes.OK {
		t.Errorf("with the certificate: %v", r.Status)
	}
	request.Target.TLS = &call.TLS{CACert: server.cert, ServerName: "shop.example"}
	if r := invoke(t, newCaller(t), request); r.Status.Code() != codes.Unavailable {
		t.Errorf("without one: %v", r.Status)
	}
}

func TestFilesOfTLSThatCannotBeUsedAreNamed(t *testing.T) {
	own, other := newIdentity(t), newIdentity(t)
	gone := filepath.Join(t.TempDir(), "gone.pem")
	for want, secure := range map[string]call.TLS{
		"gone.pem":                 {CACert: gone},
		"has none in PEM":          {CACert: own.key},
		"client's certificate and": {Cert: own.cert, Key: other.key},
		"open " + gone:             {Cert: gone, Key: own.key},
	} {
		target := cartTarget("127.0.0.1:1")
		target.TLS = &secure
		_, err := newCaller(t).Invoke(t.Context(), call.Request{Target: target, Method: "GetCart", Messages: strings.NewReader("{}")})
		expectInvalid(t, err, want, "")
	}
}
