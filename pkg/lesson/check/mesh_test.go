package check_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// series is one with a value and labels, given as "name=value" each.
func series(value float64, labels ...string) *controlpb.MetricSeries {
	s := &controlpb.MetricSeries{Labels: map[string]string{}, Samples: []*controlpb.MetricSample{{Value: value}}}
	for _, l := range labels {
		name, v, _ := strings.Cut(l, "=")
		s.Labels[name] = v
	}
	return s
}

func TestCallsToAVersionAreComparedAsItsSidecarsCountThem(t *testing.T) {
	s := newScene(t)
	const edge = "edge: {caller: frontend, callee: productcatalogservice, window: 10s, version: v2, "
	s.want(t, edge+"share: 0.1}", probe.Inconclusive, "no calls through sidecars: no samples yet")
	from := "source_workload=frontend"
	s.SetSeries("destination_version, grpc_response_status", series(0, from, "destination_version=v2", "grpc_response_status=0"))
	s.want(t, edge+"share: 0.1}", probe.Inconclusive, "too few calls through sidecars: 0 of 1 in 10s")
	s.SetSeries("destination_version, grpc_response_status",
		series(90, from, "destination_version=v1", "grpc_response_status=0"),
		series(8, from, "destination_version=v2", "grpc_response_status=0"),
		series(2, from, "destination_version=v2", "grpc_response_status=14"),
		series(100, "source_workload=recommendationservice", "destination_version=v2", "grpc_response_status=13"),
	)
	r := s.want(t, edge+"share: {above: 0.05, below: 0.15}}", probe.Pass, "share 0.1, by 10 of 100 calls in 10s")
	if want := `increase`; strings.Contains(r.Look, want) || !strings.Contains(r.Look, `service="catalog"`) || !strings.Contains(r.Look, "offset 10s") {
		t.Errorf("it is asked by %s", r.Look)
	}
	s.want(t, edge+"share: {above: 0.5}}", probe.Fail, "share 0.1")
	s.want(t, edge+"errors: {below: 0.1}}", probe.Fail, "error ratio 0.2")
	s.want(t, edge+"rate: 1, failure: UNAVAILABLE}", probe.Pass, "1 calls a second, failures UNAVAILABLE")
	s.want(t, edge+"failure: INTERNAL}", probe.Fail, "failures UNAVAILABLE")
	s.want(t, edge+"requests: 20, errors: 0}", probe.Inconclusive, "too few calls to v2: 10 of 20 in 10s")
	s.want(t, edge+"absent: true}", probe.Fail, "10 of 100 calls in 10s")
	s.want(t, strings.Replace(edge, "v2", "v3", 1)+"absent: true}", probe.Pass, "0 of 100 calls in 10s")
	s.want(t, edge+"p95: {below: 1s}}", probe.Inconclusive, "too few calls for p95")
	s.SetSeries("histogram_quantile(0.95", series(250))
	s.want(t, edge+"p95: {below: 300ms}}", probe.Pass, "p95 250ms")
	s.want(t, edge+"p95: {below: 200ms}}", probe.Fail, "p95 250ms")
}

func TestTheSecurityOfAnEdgeIsThatOfAllItsCalls(t *testing.T) {
	s := newScene(t)
	const edge = "edge: {caller: checkout, callee: productcatalogservice, security: "
	s.want(t, edge+"mutual_tls}", probe.Inconclusive, "no calls through sidecars")
	to := "destination_service_name=productcatalogservice"
	secure := series(4, to, "connection_security_policy=mutual_tls")
	other := series(3, "destination_service_name=paymentservice", "connection_security_policy=none")
	s.SetSeries("connection_security_policy", secure, other)
	s.want(t, edge+"mutual_tls}", probe.Pass, "4 with security mutual_tls")
	s.want(t, edge+"none}", probe.Fail, "4 with security mutual_tls")
	s.want(t, edge+"mutual_tls, requests: 5}", probe.Inconclusive, "too few calls through sidecars: 4 of 5")
	s.SetSeries("connection_security_policy", secure, other, series(1, to, "connection_security_policy=none"))
	s.want(t, edge+"mutual_tls}", probe.Fail, "4 with security mutual_tls, 1 with security none")
	s.want(t, edge+"none}", probe.Fail, "1 with security none")
	s.want(t, edge+"none, errors: 0}", probe.Fail, "1 with security none")
	s.SetSeries("connection_security_policy", secure)
	s.want(t, edge+"mutual_tls, errors: 0}", probe.Inconclusive, "too few calls: 0 of 1")
}

func TestSidecarsAreComparedWithWhatTheyHold(t *testing.T) {
	s := newScene(t)
	const cluster = "outbound|50051||paymentservice.production.svc.cluster.local"
	s.want(t, "mesh: {service: catalog, state: none}", probe.Pass, "none")
	s.want(t, "mesh: {service: catalog, state: synced}", probe.Fail, "it has no sidecar")
	s.want(t, "mesh: {service: catalog, destination: paymentservice, ejected: 0}", probe.Inconclusive, "catalog has no sidecar")
	endpoint := func(address, outlier, subset string) *controlpb.MeshEndpoint {
		return &controlpb.MeshEndpoint{Address: address, Outlier: outlier, Cluster: strings.Replace(cluster, "||", "|"+subset+"|", 1)}
	}
	first := &controlpb.GetSidecarResponse{
		Sidecar:   &controlpb.Sidecar{Service: "catalog", Instance: "catalog-1", State: "synced"},
		Endpoints: []*controlpb.MeshEndpoint{endpoint("a", "FAILED", ""), endpoint("a", "OK", "v1"), endpoint("b", "OK", ""), {Address: "c", Outlier: "FAILED", Cluster: "outbound|1||cartservice.production.svc.cluster.local"}},
		Routes:    []*controlpb.MeshRoute{{Name: "paymentservice.production.svc.cluster.local:50051", Match: "/*", Target: cluster, Policy: "timeout 2s"}},
		Clusters:  []*controlpb.MeshCluster{{Name: cluster, Policy: "LEAST_REQUEST, ejects after 3 errors in a row"}},
	}
	s.AddSidecar(first)
	const payment = "mesh: {service: productcatalogservice, destination: paymentservice, "
	s.want(t, "mesh: {service: catalog, state: [stale, synced]}", probe.Pass, "state synced")
	s.want(t, payment+"endpoints: 2, ejected: 1}", probe.Pass, "endpoints of paymentservice 2, ejected endpoints of paymentservice 1")
	s.want(t, payment+"subset: v1, ejected: 1}", probe.Fail, "ejected endpoints of paymentservice v1 0")
	s.want(t, payment+"route: {contains: 2s}}", probe.Pass, "timeout 2s")
	s.want(t, payment+"route: {contains: 3s}}", probe.Fail, "timeout 2s")
	s.want(t, payment+"cluster: {matches: ejects after}}", probe.Pass, "ejects after 3")
	s.want(t, "mesh: {service: catalog, destination: adservice, cluster: {contains: x}}", probe.Fail, "is absent")
	s.AddSidecar(&controlpb.GetSidecarResponse{Sidecar: &controlpb.Sidecar{Service: "catalog", Instance: "catalog-2", State: "disconnected"}})
	s.want(t, "mesh: {service: catalog, state: synced}", probe.Fail, "state disconnected")
	s.want(t, payment+"ejected: 1}", probe.Fail, "ejected endpoints of paymentservice 0")
	s.want(t, "mesh: {service: catalog, ready: 1}", probe.Fail, "ready sidecars 0")
	s.SetSidecarRestarts(2)
	s.want(t, "mesh: {service: catalog, ready: 1, restarts: {at_least: 2}}", probe.Pass, "restarts of sidecars 2")
	base, err := s.env.Baseline(t.Context(), noon)
	if err != nil || base.SidecarRestarts["catalog"] != 2 {
		t.Errorf("the baseline is %v, error %v", base, err)
	}
}

// sidecarAt is a sidecar of the catalog with an inbound port.
func (s *scene) sidecarAt(address string, matches ...string) {
	held := &controlpb.GetSidecarResponse{Sidecar: &controlpb.Sidecar{Service: "catalog", Instance: "catalog-1", State: "synced", Identity: catalogIdentity}}
	for _, m := range matches {
		held.Listeners = append(held.Listeners, &controlpb.MeshListener{Direction: "inbound", Address: address, Match: m})
	}
	s.AddSidecar(held)
}

const catalogIdentity = "spiffe://cluster.local/ns/production/sa/productcatalogservice"

func TestPlaintextIsTriedOnTheWire(t *testing.T) {
	s := newScene(t)
	s.want(t, "tls: {service: catalog, plaintext: refused}", probe.Inconclusive, "catalog has no sidecar")
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Protocols: protocols}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	s.sidecarAt(l.Addr().String(), "TLS of the mesh", "plaintext")
	s.want(t, "tls: {service: catalog, plaintext: accepted, mode: PERMISSIVE}", probe.Pass, "mode PERMISSIVE, plaintext accepted")
	s.want(t, "tls: {service: catalog, plaintext: refused}", probe.Fail, "plaintext accepted")
	s.want(t, "tls: {service: catalog, mode: STRICT}", probe.Fail, "mode PERMISSIVE")
}

func TestIdentityIsReadFromTheCertificateThatIsShown(t *testing.T) {
	s := newScene(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := url.Parse(catalogIdentity)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), URIs: []*url.URL{id}},
		&x509.Certificate{}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}, ClientAuth: tls.RequireAnyClientCert,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ErrorLog: nil}
	go func() { _ = server.Serve(closesPlaintext{l}) }()
	t.Cleanup(func() { _ = server.Close() })
	s.sidecarAt(l.Addr().String(), "TLS")
	s.want(t, "tls: {service: catalog, mode: STRICT, plaintext: refused, identity: '"+catalogIdentity+"'}", probe.Pass, "plaintext refused, identity "+catalogIdentity)
	s.want(t, "tls: {service: catalog, identity: 'spiffe://cluster.local/ns/production/sa/other'}", probe.Fail, "identity "+catalogIdentity)
}

// closesPlaintext is a listener that closes connections without TLS, as a sidecar in mode STRICT does: without an alert.
type closesPlaintext struct{ net.Listener }

func (l closesPlaintext) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if conn.(*tls.Conn).Handshake() == nil {
			return conn, nil
		}
		_ = conn.(*tls.Conn).NetConn().Close()
	}
}

func TestACallerIsKnownByItsCertificate(t *testing.T) {
	s := newScene(t)
	const known = "tls: {service: payment, caller: catalog, identity: '" + catalogIdentity + "'}"
	s.want(t, known, probe.Inconclusive, "catalog has no sidecar")
	s.sidecarAt("127.0.0.1:1", "TLS of the mesh")
	s.want(t, known, probe.Inconclusive, "no calls through sidecars")
	s.SetSeries("source_principal", series(3, "source_principal=unknown"))
	s.want(t, known, probe.Fail, "0 calls came with it")
	s.SetSeries("source_principal", series(3, "source_principal=unknown"), series(2, "source_principal="+catalogIdentity))
	s.want(t, known, probe.Pass, "2 calls came with it")
	s.want(t, strings.Replace(known, "sa/productcatalogservice", "sa/other", 1), probe.Fail, "is for "+catalogIdentity)
}

func TestATraceIsComparedWithItsSidecarsOnlyWhereThatIsAsked(t *testing.T) {
	s := newScene(t)
	sidecar := map[string]string{"component": "proxy", "node_id": "sidecar~x"}
	s.add(t, 1, []string{"checkout", "payment"},
		span{service: "checkout", name: "PlaceOrder", id: 1, kind: server},
		span{service: "checkout", name: "Charge", id: 2, parent: 1, kind: tracepb.Span_SPAN_KIND_CLIENT},
		span{service: "checkout", name: "payment:50051/*", id: 3, parent: 2, kind: tracepb.Span_SPAN_KIND_CLIENT, attributes: sidecar},
		span{service: "payment", name: "payment:50051/*", id: 4, parent: 3, kind: server, attributes: sidecar},
		span{service: "payment", name: "Charge", id: 5, parent: 4, kind: server},
	)
	const through = "trace: {service: checkout, spans: [{service: payment, kind: server, parent: {service: checkout}, attributes: [{key: component, equals: proxy}]}]"
	s.want(t, through+"}", probe.Fail, "0 of 1 trace")
	r := s.want(t, through+", proxy: true}", probe.Pass, "1 trace")
	if !strings.HasSuffix(r.Look, " --proxy") {
		t.Errorf("it is looked at by %s", r.Look)
	}
	s.want(t, "trace: {service: checkout, proxy: true, spans: [{service: checkout, kind: client, count: 2, parent: {service: checkout}}]}", probe.Pass, "1 trace")
}
