package control_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/proxy"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// pair is a certificate with its key, as PEM.
type pair struct {
	cert, key string
	tls       tls.Certificate
}

// newPair is a certificate for names, signed by its own key: its own authority.
func newPair(t *testing.T, names ...string) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := pair{
		cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		key:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	}
	if p.tls, err = tls.X509KeyPair([]byte(p.cert), []byte(p.key)); err != nil {
		t.Fatal(err)
	}
	return p
}

// secret is a Secret with a certificate, its key and the authority of callers.
func secret(name string, p pair, ca string) string {
	coded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	text := fmt.Sprintf("---\napiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: {name: %s}\ndata:\n  tls.crt: %s\n  tls.key: %s\n", name, coded(p.cert), coded(p.key))
	if ca != "" {
		text += "  ca.crt: " + coded(ca) + "\n"
	}
	return text
}

const secured = `apiVersion: v1
kind: Service
metadata: {name: frontend}
spec:
  selector: {app: frontend}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway}
spec:
  selector: {istio: ingressgateway}
  ports: [{name: http2, port: 80, targetPort: 8080}, {name: https, port: 443, targetPort: 8443}, {name: mutual, port: 444, targetPort: 8444}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"], tls: {httpsRedirect: true}}
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"], tls: {mode: SIMPLE, credentialName: any}}
  - {port: {number: 443, name: https-shop, protocol: HTTPS}, hosts: [shop.example.com], tls: {mode: SIMPLE, credentialName: shop}}
  - {port: {number: 443, name: https-none, protocol: HTTPS}, hosts: [none.example.com], tls: {mode: SIMPLE, credentialName: none}}
  - {port: {number: 444, name: mutual, protocol: HTTPS}, hosts: ["*"], tls: {mode: MUTUAL, credentialName: shop}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  gateways: [edge]
  http:
  - {match: [{uri: {prefix: /old}}], rewrite: {uri: /new}, route: [{destination: {host: frontend}}]}
  - {route: [{destination: {host: frontend}}]}
`

var ingress = control.Node{
	ID: control.NodeID("production", "gateway-1"), Namespace: "production", Pod: "gateway-1", Labels: map[string]string{"istio": "ingressgateway"},
	Gateway: true, Front: orchestrator.Key{Namespace: "production", Name: "frontend"},
}

// recorded drops what a proxy records.
type recorded struct{ flags chan record.Entry }

func (r recorded) Record(e *record.Entry) { r.flags <- *e }

// gateway runs one with the objects of a store, before a program that answers with what it got.
func gateway(t *testing.T, s *store.Store) (listeners map[string]string, entries chan record.Entry) {
	t.Helper()
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id", "Traceparent", "X-Forwarded-Client-Cert"} {
			w.Header().Set("Got-"+name, r.Header.Get(name))
		}
		_, _ = io.WriteString(w, r.Host+r.URL.Path)
	}))
	t.Cleanup(program.Close)
	return gatewayTo(t, s, program.Listener.Addr().String())
}

// gatewayTo runs one before the program at an address.
func gatewayTo(t *testing.T, s *store.Store, program string) (listeners map[string]string, entries chan record.Entry) {
	t.Helper()
	key := orchestrator.Key{Namespace: "production", Name: "frontend"}
	m := control.Mesh(s.Snapshot(), []orchestrator.Endpoint{{
		Service: key, Workload: key, ServicePort: 80, TargetPort: 8080, Pod: "frontend-1", Ready: true, PeerAddr: program, Addr: program,
	}}, nil)
	entries = make(chan record.Entry, 100)
	p := proxy.New(proxy.Options{Trace: true, Recorder: recorded{entries}})
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		p.Drain(ctx)
	})
	r := control.Sidecar(m, ingress, nil)
	for _, l := range r.Listeners {
		if err := l.ValidateAll(); err != nil {
			t.Error(err)
		}
	}
	if err := p.Update(r); err != nil {
		t.Fatal(err)
	}
	return p.Listeners(), entries
}

// ask sends a request to an address under a name, and returns the response with its body. trusted is whom it believes.
func ask(t *testing.T, address, url string, config *tls.Config, headers ...string) (*http.Response, string, error) {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: config, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

func trusting(p pair) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(p.cert))
	return &tls.Config{RootCAs: pool}
}

func TestAGatewayServesHTTPSWithTheCertificateOfTheHost(t *testing.T) {
	shop, any, caller := newPair(t, "shop.example.com"), newPair(t, "other.example.com"), newPair(t, "caller")
	s := openStore(t)
	apply(t, s, secured+secret("shop", shop, caller.cert)+secret("any", any, ""))
	at, _ := gateway(t, s)
	response, body, err := ask(t, at["0.0.0.0_8443"], "https://shop.example.com/old", trusting(shop))
	if err != nil || response.StatusCode != 200 || body != "shop.example.com/new" || response.ProtoMajor != 2 || response.Header.Get("Got-X-Forwarded-Proto") != "https" {
		t.Errorf("%v %q, %v", response, body, err)
	}
	if _, body, err := ask(t, at["0.0.0.0_8443"], "https://other.example.com/old", trusting(any)); err != nil || body != "other.example.com/old" {
		t.Errorf("a host without rules: %q, %v", body, err)
	}
	if _, _, err := ask(t, at["0.0.0.0_8443"], "https://shop.example.com/", trusting(any)); err == nil {
		t.Error("the host has the certificate of another")
	}
	if _, _, err := ask(t, at["0.0.0.0_8443"], "http://shop.example.com/", nil); err == nil {
		t.Error("the port of HTTPS takes plaintext")
	}
	response, _, err = ask(t, at["0.0.0.0_8080"], "http://shop.example.com/old?a=1", nil)
	if err != nil || response.StatusCode != 301 || response.Header.Get("Location") != "https://shop.example.com/old?a=1" {
		t.Errorf("without TLS: %v, %v", response, err)
	}
}

func TestAGatewayThatAsksForCertificatesShowsThemToPrograms(t *testing.T) {
	shop, caller := newPair(t, "shop.example.com"), newPair(t, "caller")
	s := openStore(t)
	apply(t, s, secured+secret("shop", shop, caller.cert))
	at, _ := gateway(t, s)
	if _, _, err := ask(t, at["0.0.0.0_8444"], "https://shop.example.com/", trusting(shop)); err == nil {
		t.Error("a caller without a certificate is let in")
	}
	config := trusting(shop)
	config.Certificates = []tls.Certificate{newPair(t, "stranger").tls}
	if _, _, err := ask(t, at["0.0.0.0_8444"], "https://shop.example.com/", config); err == nil {
		t.Error("a caller with a certificate of another authority is let in")
	}
	config = trusting(shop)
	config.Certificates = []tls.Certificate{caller.tls}
	response, _, err := ask(t, at["0.0.0.0_8444"], "https://shop.example.com/", config, "X-Forwarded-Client-Cert", "URI=spiffe://forged")
	if err != nil || response.StatusCode != 200 || response.Header.Get("Got-X-Forwarded-Client-Cert") != `Subject="CN=caller";DNS=caller` {
		t.Errorf("%v, %v", response, err)
	}
}

func TestAGatewaySaysWhoSentARequestAndBeginsItsTrace(t *testing.T) {
	s := openStore(t)
	apply(t, s, strings.ReplaceAll(secured, ", tls: {httpsRedirect: true}", ""))
	at, entries := gateway(t, s)
	response, _, err := ask(t, at["0.0.0.0_8080"], "http://shop.example.com/", nil, "X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "https")
	if err != nil || response.Header.Get("Got-X-Forwarded-For") != "192.0.2.7,127.0.0.1" || response.Header.Get("Got-X-Forwarded-Proto") != "http" || len(response.Header.Get("Got-X-Request-Id")) != 36 {
		t.Errorf("%v, %v", response, err)
	}
	e := <-entries
	if e.Span.String() != response.Header.Get("Got-Traceparent") || e.Span.Parent != [8]byte{} || !e.Span.Sampled {
		t.Errorf("the trace begins with %s below %x, and the program gets %q", e.Span.String(), e.Span.Parent, response.Header.Get("Got-Traceparent"))
	}
	const traceID = "0af7651916cd43dd8448eb211c80319c"
	response, _, err = ask(t, at["0.0.0.0_8080"], "http://shop.example.com/", nil, "Traceparent", "00-"+traceID+"-b7ad6b7169203331-01", "X-Request-Id", "mine")
	if got := response.Header.Get("Got-Traceparent"); err != nil || !strings.Contains(got, traceID) || strings.Contains(got, "b7ad6b7169203331") || response.Header.Get("Got-X-Request-Id") != "mine" {
		t.Errorf("a request of a trace: %q, %v", got, err)
	}
}

func TestAGatewayLetsInWhoHasATokenWithTheClaim(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k"}}})
	if err != nil {
		t.Fatal(err)
	}
	token := func(group string) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(fmt.Appendf(nil, `{"iss":"id.example.com","sub":"alice","group":%q,"exp":%d}`, group, time.Now().Add(time.Hour).Unix()))
		if err != nil {
			t.Fatal(err)
		}
		text, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + text
	}
	s := openStore(t)
	apply(t, s, strings.ReplaceAll(secured, ", tls: {httpsRedirect: true}", "")+fmt.Sprintf(`---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: edge}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  jwtRules: [{issuer: id.example.com, jwks: '%s'}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: edge}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  rules: [{when: [{key: "request.auth.claims[group]", values: [staff]}]}]
`, set))
	at, _ := gateway(t, s)
	for _, c := range []struct {
		authorization, body string
		status              int
	}{
		{token("staff"), "shop.example.com/", 200},
		{token("guest"), "RBAC: access denied", 403},
		{"", "RBAC: access denied", 403},
		{token("staff") + "x", "Jwt verification fails", 401},
	} {
		response, body, err := ask(t, at["0.0.0.0_8080"], "http://shop.example.com/", nil, "Authorization", c.authorization)
		if err != nil || response.StatusCode != c.status || body != c.body {
			t.Errorf("%.20s: %v %q, %v; want %d %q", c.authorization, response, body, err, c.status, c.body)
		}
	}
}

func TestThePrivateKeyOfAGatewayIsShownNowhere(t *testing.T) {
	shop := newPair(t, "shop.example.com")
	s := openStore(t)
	apply(t, s, secured+secret("shop", shop, shop.cert))
	srv := &server{set: map[string]*xds.Resources{}}
	watched := &observer{newer: make(chan struct{}), state: orchestrator.Snapshot{
		Workloads: []orchestrator.Workload{{Key: orchestrator.Key{Namespace: "production", Name: "gateway"}, Instances: []orchestrator.Instance{{Name: "gateway-1"}}}},
	}}
	p := control.New(control.Config{Objects: s, Observer: watched, Server: srv, Now: time.Now, Report: func(err error) { t.Error(err) }})
	p.Register(ingress)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	defer running.Wait()
	defer cancel()
	text := func(r *xds.Resources) (all string) {
		if r != nil {
			for _, l := range r.Listeners {
				all += protojson.Format(l)
			}
		}
		return all
	}
	eventually.True(t, "the gateway is configured", func() bool { return strings.Contains(text(p.Resources(ingress.ID)), "certificateChain") })
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if !strings.Contains(text(srv.set[ingress.ID]), "privateKey") || strings.Contains(text(p.Resources(ingress.ID)), "privateKey") {
		t.Errorf("shown is %s", text(p.Resources(ingress.ID)))
	}
}
