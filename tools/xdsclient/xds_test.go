package xdsclient_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	xdscreds "google.golang.org/grpc/credentials/xds"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/xds"
	"google.golang.org/grpc/xds/bootstrap"
	"google.golang.org/protobuf/types/known/emptypb"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/ads"
	"github.com/shopctl/shopctl/pkg/mesh/ca"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/translate"
)

const (
	host   = "paymentservice.production.svc.cluster.local"
	charge = "/hipstershop.PaymentService/Charge"
	token  = "the token of checkout"
)

var checkout = control.Node{
	ID: control.NodeID("production", "checkout-1"), Namespace: "production", Pod: "checkout-1", ServiceAccount: "checkoutservice",
}

// bearer is a channel's credentials: no TLS, since the control plane is behind a socket of this user, and a token.
type bearer struct {
	credentials.Bundle
	token string
}

func (b bearer) PerRPCCredentials() credentials.PerRPCCredentials { return b }

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }

// bearerBuilder makes such credentials of a bootstrap.
type bearerBuilder struct{}

func (bearerBuilder) Name() string { return "bearer" }

func (bearerBuilder) Build(config json.RawMessage) (credentials.Bundle, func(), error) {
	var b struct{ Token string }
	err := json.Unmarshal(config, &b)
	return bearer{insecure.NewBundle(), b.Token}, func() {}, err
}

func TestMain(m *testing.M) {
	bootstrap.RegisterChannelCredentials(bearerBuilder{})
	os.Exit(m.Run())
}

// plane knows checkout alone.
type plane struct{}

func (plane) Authenticate(given string) (ads.Caller, bool) {
	return ads.Caller{Node: checkout.ID, Identity: checkout.Identity()}, given == token
}
func (plane) Acked(string, string, string) {}
func (plane) Connected(string, bool)       {}

// shop is a control plane, and the authority of its certificates.
type shop struct {
	dir, target string
	server      *ads.Server
	authority   *ca.CA
}

func open(t *testing.T) *shop {
	t.Helper()
	s := &shop{dir: t.TempDir()}
	var err error
	if s.authority, err = ca.Open(filepath.Join(s.dir, "ca"), time.Now); err != nil {
		t.Fatal(err)
	}
	s.server = ads.New(s.authority)
	g := grpc.NewServer()
	s.server.Register(g, plane{})
	s.target = serve(t, g)
	return s
}

func serve(t *testing.T, g *grpc.Server) (addr string) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- g.Serve(lis) }()
	t.Cleanup(func() {
		g.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return lis.Addr().String()
}

// certify returns a key and its certificate for an identity.
func (s *shop) certify(t *testing.T, who ca.Identity) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, request, err := ca.Request(who)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.authority.Sign(request, who)
	if err != nil {
		t.Fatal(err)
	}
	return key, signed
}

func account(name string) ca.Identity {
	return ca.Identity{TrustDomain: "cluster.local", Namespace: "production", ServiceAccount: name}
}

// replica serves payments with mutual TLS as an account, and returns its port. Its responses name the version.
func (s *shop) replica(t *testing.T, version, serviceAccount string) uint32 {
	t.Helper()
	key, signed := s.certify(t, account(serviceAccount))
	block, _ := pem.Decode(signed)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.authority.Root())
	secured := credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{block.Bytes}, PrivateKey: key}},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: roots,
	})
	addr := serve(t, grpc.NewServer(grpc.Creds(secured), grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
			return err
		}
		if err := stream.SetHeader(metadata.Pairs("version", version)); err != nil {
			return err
		}
		return stream.SendMsg(&emptypb.Empty{})
	})))
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	var number uint32
	if _, err := fmt.Sscan(port, &number); err != nil {
		t.Fatal(err)
	}
	return number
}

// dial connects a client that is configured by the control plane alone.
func (s *shop) dial(t *testing.T, token string) *grpc.ClientConn {
	t.Helper()
	key, signed := s.certify(t, checkout.Identity())
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"cert.pem": signed, "root.pem": s.authority.Root(), "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, err := json.Marshal(map[string]any{
		"node": map[string]any{"id": checkout.ID},
		"xds_servers": []any{map[string]any{
			"server_uri": s.target, "server_features": []string{"xds_v3"},
			"channel_creds": []any{map[string]any{"type": "bearer", "config": map[string]any{"token": token}}},
		}},
		"certificate_providers": map[string]any{certificates: map[string]any{"plugin_name": "file_watcher", "config": map[string]any{
			"certificate_file": filepath.Join(s.dir, "cert.pem"), "private_key_file": filepath.Join(s.dir, "key.pem"),
			"ca_certificate_file": filepath.Join(s.dir, "root.pem"), "refresh_interval": "60s",
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	resolver, err := xds.NewXDSResolverWithConfigForTesting(config)
	if err != nil {
		t.Fatal(err)
	}
	secured, err := xdscreds.NewClientCredentials(xdscreds.ClientOptions{FallbackCreds: insecure.NewCredentials()})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("xds:///"+host, grpc.WithResolvers(resolver), grpc.WithTransportCredentials(secured))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// mesh is a shop with two versions of payment: v1 for nine requests of ten, and v2 for those that ask for it.
func mesh(v1, v2 uint32) *translate.Mesh {
	endpoint := func(version string, port uint32) translate.Endpoint {
		return translate.Endpoint{
			Address: "127.0.0.1", Pod: version, Ports: map[uint32]uint32{50051: port}, Labels: map[string]string{"version": version},
			ServiceAccount: "paymentservice", Sidecar: true,
		}
	}
	to := func(subset string, weight int32) *networking.HTTPRouteDestination {
		return &networking.HTTPRouteDestination{
			Destination: &networking.Destination{Host: "paymentservice", Subset: subset}, Weight: weight,
		}
	}
	canary := &networking.HTTPMatchRequest{Headers: map[string]*networking.StringMatch{
		"x-canary": {MatchType: &networking.StringMatch_Exact{Exact: "true"}},
	}}
	meta := translate.Meta{Name: "paymentservice", Namespace: "production"}
	return &translate.Mesh{
		Domain: "cluster.local", TrustDomain: "cluster.local", RootNamespace: "istio-system",
		Services: []translate.Service{{
			Name: "paymentservice", Namespace: "production",
			Ports:     []translate.Port{{Number: 50051, TargetPort: 50051, Protocol: translate.GRPC}},
			Endpoints: []translate.Endpoint{endpoint("v1", v1), endpoint("v2", v2)},
		}},
		DestinationRules: []translate.DestinationRule{{Meta: meta, Spec: &networking.DestinationRule{
			Host: "paymentservice", Subsets: []*networking.Subset{
				{Name: "v1", Labels: map[string]string{"version": "v1"}}, {Name: "v2", Labels: map[string]string{"version": "v2"}},
			},
		}}},
		VirtualServices: []translate.VirtualService{{Meta: meta, Spec: &networking.VirtualService{
			Hosts: []string{"paymentservice"}, Http: []*networking.HTTPRoute{
				{Match: []*networking.HTTPMatchRequest{canary}, Route: []*networking.HTTPRouteDestination{to("v2", 0)}},
				{Route: []*networking.HTTPRouteDestination{to("v1", 90), to("v2", 10)}},
			},
		}}},
	}
}

// call returns the version that responded.
func call(t *testing.T, conn *grpc.ClientConn, fields ...string) (string, error) {
	t.Helper()
	var header metadata.MD
	ctx := metadata.AppendToOutgoingContext(t.Context(), fields...)
	err := conn.Invoke(ctx, charge, &emptypb.Empty{}, &emptypb.Empty{}, grpc.Header(&header))
	return strings.Join(header.Get("version"), ","), err
}

func TestTheXDSClientOfGRPCFollowsWeightsHeadersAndMutualTLS(t *testing.T) {
	s := open(t)
	m := mesh(s.replica(t, "v1", "paymentservice"), s.replica(t, "v2", "paymentservice"))
	if err := s.server.Set(checkout.ID, proxyless(t, control.Sidecar(m, checkout, nil), host)); err != nil {
		t.Fatal(err)
	}
	conn := s.dial(t, token)
	const calls = 1000
	seen := map[string]int{}
	for range calls {
		version, err := call(t, conn)
		if err != nil {
			t.Fatal(err)
		}
		seen[version]++
	}
	// Six standard deviations of a binomial distribution.
	if n := seen["v2"]; n < 43 || n > 157 || seen["v1"]+n != calls {
		t.Errorf("of %d requests v1 had %d and v2 %d, want nine to one", calls, seen["v1"], n)
	}
	for range 20 {
		if version, err := call(t, conn, "x-canary", "true"); version != "v2" || err != nil {
			t.Fatalf("a request with the header went to %q, error %v", version, err)
		}
	}
}

func TestTheXDSClientOfGRPCFollowsAChange(t *testing.T) {
	s := open(t)
	m := mesh(s.replica(t, "v1", "paymentservice"), s.replica(t, "v2", "paymentservice"))
	m.VirtualServices[0].Spec.Http = m.VirtualServices[0].Spec.Http[:1]
	if err := s.server.Set(checkout.ID, proxyless(t, control.Sidecar(m, checkout, nil), host)); err != nil {
		t.Fatal(err)
	}
	conn := s.dial(t, token)
	if _, err := call(t, conn); status.Code(err) != codes.Unavailable {
		t.Errorf("without a route for it a request has %v, want code Unavailable", err)
	}
	m.VirtualServices = nil
	if err := s.server.Set(checkout.ID, proxyless(t, control.Sidecar(m, checkout, nil), host)); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "a request has a route", func() bool {
		_, err := call(t, conn)
		return err == nil
	})
}

func TestTheXDSClientOfGRPCRefusesAReplicaOfAnotherIdentity(t *testing.T) {
	s := open(t)
	m := mesh(s.replica(t, "v1", "currencyservice"), s.replica(t, "v2", "currencyservice"))
	if err := s.server.Set(checkout.ID, proxyless(t, control.Sidecar(m, checkout, nil), host)); err != nil {
		t.Fatal(err)
	}
	if version, err := call(t, s.dial(t, token)); status.Code(err) != codes.Unavailable {
		t.Errorf("%q responded, error %v", version, err)
	}
}

func TestTheXDSClientOfGRPCIsGivenNothingWithoutTheToken(t *testing.T) {
	s := open(t)
	m := mesh(s.replica(t, "v1", "paymentservice"), s.replica(t, "v2", "paymentservice"))
	if err := s.server.Set(checkout.ID, proxyless(t, control.Sidecar(m, checkout, nil), host)); err != nil {
		t.Fatal(err)
	}
	version, err := call(t, s.dial(t, "a guess"))
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "the call has no token of a sidecar of this shop") {
		t.Errorf("%q responded, error %v", version, err)
	}
}
