package proxy_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	security "istio.io/api/security/v1beta1"
	istiotype "istio.io/api/type/v1beta1"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/proxy"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
	"github.com/shopctl/shopctl/pkg/mesh/translate"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

const (
	host  = "payment.shop.svc.cluster.local"
	outer = host + "_50051"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, pool: x509.NewCertPool()}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

// identity is a workload's certificate.
type identity struct {
	cert  *tls.Certificate
	roots *x509.CertPool
}

func (i *identity) Certificate() (*tls.Certificate, error) { return i.cert, nil }
func (i *identity) Roots() *x509.CertPool                  { return i.roots }

func (a *authority) identity(t *testing.T, account string, until time.Time) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		URIs:        []*url.URL{{Scheme: "spiffe", Host: "cluster.local", Path: "/ns/shop/sa/" + account}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &identity{&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, a.pool}
}

// records keeps what a proxy records.
type records struct {
	mu   sync.Mutex
	all  []record.Entry
	more chan struct{}
}

func (r *records) Record(e *record.Entry) {
	r.mu.Lock()
	r.all = append(r.all, *e)
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// wait waits for the nth record.
func (r *records) wait(t *testing.T, n int) record.Entry {
	t.Helper()
	for {
		r.mu.Lock()
		if len(r.all) >= n {
			defer r.mu.Unlock()
			return r.all[n-1]
		}
		r.mu.Unlock()
		select {
		case <-r.more:
		case <-t.Context().Done():
			t.Fatal("no record")
		}
	}
}

// app is a service of gRPC that answers whatever is called.
func app(t *testing.T, handle func(stream grpc.ServerStream) error) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return handle(stream) }))
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(ln) })
	t.Cleanup(func() { s.Stop(); wg.Wait() })
	return ln.Addr().String()
}

// echo answers each message with itself.
func echo(stream grpc.ServerStream) error {
	for {
		var m wrapperspb.StringValue
		if err := stream.RecvMsg(&m); err != nil {
			return nil
		}
		if err := stream.SendMsg(&m); err != nil {
			return err
		}
	}
}

func newProxy(t testing.TB, id proxy.Identity, r *xds.Resources) (*proxy.Proxy, *records) {
	t.Helper()
	log := &records{more: make(chan struct{}, 1)}
	p := proxy.New(proxy.Options{Identity: id, Recorder: log})
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		p.Drain(ctx)
	})
	if err := p.Update(r); err != nil {
		t.Fatal(err)
	}
	return p, log
}

func socket(address string) *corev3.Address {
	h, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: h, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(n)},
	}}}
}

func pack(t testing.TB, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// mesh has one service, payment, with an account of its own.
func mesh() *translate.Mesh {
	return &translate.Mesh{
		Domain: "cluster.local", TrustDomain: "cluster.local", RootNamespace: "istio-system",
		Services: []translate.Service{{
			Name: "payment", Namespace: "shop", Ports: []translate.Port{{Number: 50051, TargetPort: 50051, Protocol: translate.GRPC}},
		}},
	}
}

// outbound is what a caller's sidecar is configured with, for payment at addresses.
func outbound(t testing.TB, m *translate.Mesh, sidecar bool, addresses ...string) *xds.Resources {
	t.Helper()
	s := &m.Services[0]
	s.Endpoints = []translate.Endpoint{{Address: "x", ServiceAccount: "payment", Sidecar: sidecar}}
	caller := translate.Proxy{Namespace: "shop"}
	routes := &routev3.RouteConfiguration{
		Name: "50051", VirtualHosts: []*routev3.VirtualHost{m.VirtualHost(caller, s, s.Ports[0])}, IgnorePortInHostMatching: true,
	}
	manager := &hcmv3.HttpConnectionManager{RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{RouteConfigName: "50051"}}}
	endpoints := m.Endpoints(caller, s, s.Ports[0])
	for _, e := range endpoints {
		if len(e.GetEndpoints()) == 0 {
			continue
		}
		pattern := e.GetEndpoints()[0].GetLbEndpoints()[0]
		e.Endpoints[0].LbEndpoints = nil
		for _, a := range addresses {
			one := proto.Clone(pattern).(*endpointv3.LbEndpoint)
			one.GetEndpoint().Address = socket(a)
			e.Endpoints[0].LbEndpoints = append(e.Endpoints[0].LbEndpoints, one)
		}
	}
	return &xds.Resources{
		Clusters: m.Clusters(caller, s, s.Ports[0]), Routes: []*routev3.RouteConfiguration{routes}, Endpoints: endpoints,
		Listeners: []*listenerv3.Listener{{
			Name: outer, Address: socket("127.0.0.1:0"), TrafficDirection: corev3.TrafficDirection_OUTBOUND,
			FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{{
				ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: pack(t, manager)},
			}}}},
		}},
	}
}

// inbound is what payment's sidecar is configured with, for the program at an address.
func inbound(t *testing.T, m *translate.Mesh, address string) *xds.Resources {
	t.Helper()
	const name = "inbound|50051||"
	options := &httpv3.HttpProtocolOptions{UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{
		ExplicitHttpConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig{
			ProtocolConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{Http2ProtocolOptions: &corev3.Http2ProtocolOptions{}},
		},
	}}
	return &xds.Resources{
		Listeners: []*listenerv3.Listener{{
			Name: "inbound_50051", Address: socket("127.0.0.1:0"), TrafficDirection: corev3.TrafficDirection_INBOUND,
			FilterChains: m.InboundChains(translate.Workload{Namespace: "shop"}, m.Services[0].Ports[0]),
		}},
		Clusters: []*clusterv3.Cluster{{
			Name: name, ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC},
			TypedExtensionProtocolOptions: map[string]*anypb.Any{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(t, options)},
			LoadAssignment: &endpointv3.ClusterLoadAssignment{ClusterName: name, Endpoints: []*endpointv3.LocalityLbEndpoints{{
				LbEndpoints: []*endpointv3.LbEndpoint{{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: socket(address)}}}},
			}}},
		}},
	}
}

func mtls(m *translate.Mesh, mode security.PeerAuthentication_MutualTLS_Mode) {
	m.PeerAuthentications = []translate.PeerAuthentication{{
		Meta: translate.Meta{Name: "default", Namespace: "shop"},
		Spec: &security.PeerAuthentication{Mtls: &security.PeerAuthentication_MutualTLS{Mode: mode}},
	}}
}

func allowPrincipal(m *translate.Mesh, principal string) {
	m.AuthorizationPolicies = []translate.AuthorizationPolicy{{
		Meta: translate.Meta{Name: "callers", Namespace: "shop"},
		Spec: &security.AuthorizationPolicy{
			Selector: &istiotype.WorkloadSelector{},
			Rules: []*security.Rule{{
				From: []*security.Rule_From{{Source: &security.Source{Principals: []string{principal}}}},
				To:   []*security.Rule_To{{Operation: &security.Operation{Paths: []string{"/shop.Payment/Charge"}}}},
			}},
		},
	}}
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority(host))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func call(t *testing.T, conn *grpc.ClientConn, method string) error {
	t.Helper()
	in, out := wrapperspb.String("hello"), &wrapperspb.StringValue{}
	if err := conn.Invoke(t.Context(), method, in, out); err != nil {
		return err
	}
	if out.GetValue() != in.GetValue() {
		t.Errorf("the answer is %q", out.GetValue())
	}
	return nil
}

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}
