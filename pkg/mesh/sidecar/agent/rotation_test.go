package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	certificates "istio.io/api/security/v1alpha1"

	"github.com/shopctl/shopctl/pkg/mesh/ca"
)

var payment = ca.Identity{TrustDomain: "cluster.local", Namespace: "production", ServiceAccount: "paymentservice"}

// authority signs for payment while it is there.
type authority struct {
	certificates.UnimplementedIstioCertificateServiceServer
	*ca.CA
	away atomic.Bool
}

func (a *authority) CreateCertificate(_ context.Context, r *certificates.IstioCertificateRequest) (*certificates.IstioCertificateResponse, error) {
	if a.away.Load() {
		return nil, errors.New("away")
	}
	signed, err := a.Sign([]byte(r.GetCsr()), payment)
	return &certificates.IstioCertificateResponse{CertChain: []string{string(signed), string(a.Root())}}, err
}

// rotate runs an agent's rotation until the test ends.
func rotate(t *testing.T) (*Agent, *authority) {
	t.Helper()
	signer, err := ca.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	from := &authority{CA: signer}
	lis, g := bufconn.Listen(1<<16), grpc.NewServer()
	certificates.RegisterIstioCertificateServiceServer(g, from)
	conn, err := grpc.NewClient("passthrough:///ca", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	a := &Agent{cfg: Config{Identity: payment, Report: func(err error) { t.Log(err) }}, conn: conn, certificate: newCertificate()}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := g.Serve(lis); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() { a.Rotate(ctx) })
	t.Cleanup(func() {
		cancel()
		a.Close()
		g.Stop()
		running.Wait()
	})
	return a, from
}

// valid returns the certificate, which must be one that peers accept now.
func valid(t *testing.T, a *Agent) *x509.Certificate {
	t.Helper()
	synctest.Wait()
	own, err := a.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := own.Leaf.Verify(x509.VerifyOptions{Roots: a.Roots(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, CurrentTime: time.Now()}); err != nil {
		t.Error(err)
	}
	return own.Leaf
}

func TestACertificateIsRenewedWithANewKeyAtHalfOfItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := rotate(t)
		<-a.Ready()
		first := valid(t, a)
		time.Sleep(ca.Lifetime/2 - time.Minute)
		if !valid(t, a).Equal(first) {
			t.Error("it is renewed before half of its life")
		}
		time.Sleep(2 * time.Minute)
		second := valid(t, a)
		if second.Equal(first) {
			t.Error("it is not renewed at half of its life")
		}
		if key, ok := first.PublicKey.(*ecdsa.PublicKey); !ok || key.Equal(second.PublicKey) {
			t.Error("the key is the same")
		}
		time.Sleep(3 * ca.Lifetime)
		valid(t, a)
	})
}

func TestACertificateIsRenewedOnceTheAuthorityIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, from := rotate(t)
		<-a.Ready()
		first := valid(t, a)
		from.away.Store(true)
		time.Sleep(ca.Lifetime - time.Hour)
		if !valid(t, a).Equal(first) {
			t.Error("the certificate is another without an authority")
		}
		from.away.Store(false)
		time.Sleep(2 * lastPause)
		if valid(t, a).Equal(first) {
			t.Error("it is not renewed though the authority is back")
		}
	})
}

func TestASidecarWithoutACertificateAcceptsNobody(t *testing.T) {
	c := newCertificate()
	if _, err := c.Certificate(); !errors.Is(err, errNoCertificate) {
		t.Errorf("error %v, want %v", err, errNoCertificate)
	}
	if !c.Roots().Equal(x509.NewCertPool()) {
		t.Error("it trusts somebody")
	}
}
