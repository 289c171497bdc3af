package meshtest

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	certificates "istio.io/api/security/v1alpha1"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/ca"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// defenses are what the attacks are on. Only checkout may charge, and anyone may get; no one may reach the administration;
// the account wants a token.
const defenses = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: payment}
spec: {selector: {matchLabels: {app: payment}}, mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: payment}
spec:
  selector: {matchLabels: {app: payment}}
  rules:
  - from: [{source: {principals: [cluster.local/ns/production/sa/checkout]}}]
    to: [{operation: {paths: [/hipstershop.PaymentService/Charge]}}]
  - to: [{operation: {paths: [/hipstershop.PaymentService/Get*]}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  action: DENY
  rules:
  - to: [{operation: {paths: [/admin, /admin*]}}]
  - from: [{source: {notRequestPrincipals: ["*"]}}]
    to: [{operation: {paths: [/account*]}}]
`

// world is a shop under attack: email attacks, and checkout does what it may.
type world struct {
	*shop
	payment, web, redis, checkout, email *pod
	charged, visited, stored             *seen
	tokens                               *tokens
}

func attacked(t *testing.T) *world {
	t.Helper()
	w := &world{tokens: newTokens(t)}
	w.shop = open(t, defenses+"---\n"+w.tokens.authentication("web"))
	var address string
	address, w.charged = grpcProgram(t)
	w.payment = w.join("payment-1", "payment", served{"payment", 50051, 50051, address})
	address, w.visited = webProgram(t)
	w.web = w.join("web-1", "web", served{"web", 80, 8080, address})
	address, w.stored = tcpProgram(t)
	w.redis = w.join("redis-1", "redis", served{"redis", 6379, 6379, address})
	w.checkout, w.email = w.join("checkout-1", "checkout"), w.join("email-1", "email")
	return w
}

// mode sets the mode of all that have none of their own.
func (w *world) mode(mode string) {
	w.t.Helper()
	w.apply("apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default}\nspec: {mtls: {mode: " + mode + "}}\n")
}

func TestAttacksThatMustFail(t *testing.T) {
	w := attacked(t)
	if err := call(t.Context(), dial(t, w.checkout.outbound("payment", 50051), nil), charge); err != nil {
		t.Fatalf("what is no attack: %v", err)
	}
	w.charged.take()
	for _, attack := range []struct {
		name string
		try  func(t *testing.T, w *world)
	}{
		{"plaintext under STRICT", plaintext},
		{"plaintext on an HTTP/2 connection kept from before STRICT", keptHTTP2},
		{"plaintext on an HTTP/1.1 connection kept from before STRICT", keptHTTP1},
		{"plaintext on a TCP connection kept from before STRICT", keptTCP},
		{"TLS without a certificate", noCertificate},
		{"a certificate of another identity", anotherIdentity},
		{"a certificate of another CA", anotherAuthority},
		{"an expired certificate", expired},
		{"a callee with a certificate of another identity", impostor},
		{"a CSR for another's identity", anothersRequest},
		{"ADS asked for another's resources", anothersResources},
		{"ADS asked for secrets", secrets},
		{"forged x-forwarded-client-cert", forgedCertificate},
		{"path tricks against RBAC: gRPC", pathsOfGRPC},
		{"path tricks against RBAC: HTTP", pathsOfHTTP},
		{"JWT with alg none", badToken("none", 401, "Jwt header [alg] is not supported")},
		{"JWT with HS256 and the public key", badToken("HS256", 401, "Jwt verification fails")},
		{"JWT with wrong aud", badToken("aud", 403, "Audiences in Jwt are not allowed")},
		{"JWT that has expired", badToken("expired", 401, "Jwt is expired")},
		{"JWT with missing kid and a strange key", badToken("no kid", 401, "Jwt verification fails")},
		{"JWT of a giant token", giantToken},
		{"no JWT where a policy wants one", badToken("", 403, "RBAC: access denied")},
	} {
		t.Run(attack.name, func(t *testing.T) { attack.try(t, w) })
		if got := slices.Concat(w.charged.take(), w.stored.take()); len(got) > 0 {
			t.Errorf("%s: the program got %q", attack.name, got)
		}
		w.visited.take()
	}
}

// refused reports a call that did not end with a code.
func refused(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if status.Code(err) != want {
		t.Errorf("the call ends with %v, not %s", err, want)
	}
}

func plaintext(t *testing.T, w *world) {
	refused(t, call(t.Context(), dial(t, w.payment.inbound(50051), nil), charge), codes.Unavailable)
	if response, _ := raw(t, connect(t, w.payment.inbound(50051)), "GET / HTTP/1.1\r\nHost: payment\r\n\r\n"); response != nil {
		t.Errorf("the answer is %s", response.Status)
	}
}

func keptHTTP2(t *testing.T, w *world) {
	w.mode("PERMISSIVE")
	defer w.mode("PERMISSIVE")
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &p}
	defer transport.CloseIdleConnections()
	get := func() error {
		response, err := (&http.Client{Transport: transport}).Get("http://" + w.web.inbound(8080))
		if err == nil {
			_ = response.Body.Close()
		}
		return err
	}
	if err := get(); err != nil {
		t.Fatal(err)
	}
	w.mode("STRICT")
	w.visited.take()
	for range 3 { // the first finds the connection closed, the others make one
		if get() == nil {
			t.Error("after STRICT, it is answered")
		}
	}
	if got := w.visited.take(); len(got) > 0 {
		t.Errorf("the program got %q", got)
	}
}

func keptHTTP1(t *testing.T, w *world) {
	w.mode("PERMISSIVE")
	defer w.mode("PERMISSIVE")
	conn := connect(t, w.web.inbound(8080))
	const get = "GET / HTTP/1.1\r\nHost: web\r\n\r\n"
	if response, _ := raw(t, conn, get); response == nil || response.StatusCode != 200 {
		t.Fatalf("before STRICT: %v", response)
	}
	w.mode("STRICT")
	w.visited.take()
	if response, _ := raw(t, conn, get); response != nil {
		t.Errorf("after STRICT: %s", response.Status)
	}
	if got := w.visited.take(); len(got) > 0 {
		t.Errorf("the program got %q", got)
	}
}

func keptTCP(t *testing.T, w *world) {
	w.mode("PERMISSIVE")
	defer w.mode("PERMISSIVE")
	conn := connect(t, w.redis.inbound(6379))
	r := bufio.NewReader(conn)
	_, _ = io.WriteString(conn, "before\n")
	if line, err := r.ReadString('\n'); line != "before\n" {
		t.Fatalf("before STRICT: %q, %v", line, err)
	}
	w.mode("STRICT")
	w.stored.take()
	_, _ = io.WriteString(conn, "after\n")
	if line, err := r.ReadString('\n'); err == nil {
		t.Errorf("after STRICT: %q", line)
	}
}

func noCertificate(t *testing.T, w *world) {
	refused(t, call(t.Context(), dial(t, w.payment.inbound(50051), showing("h2")), charge), codes.Unavailable)
}

func anotherIdentity(t *testing.T, w *world) {
	refused(t, call(t.Context(), dial(t, w.email.outbound("payment", 50051), nil), charge), codes.PermissionDenied)
	mine := dial(t, w.payment.inbound(50051), showing("h2", certificate(t, w.authority, "email")))
	refused(t, call(t.Context(), mine, charge), codes.PermissionDenied)
	w.payment.log.wait(t, charge, "rbac_access_denied_matched_policy[none]")
	same := dial(t, w.payment.inbound(50051), showing("h2", certificate(t, w.authority, "checkout")))
	refused(t, call(t.Context(), same, charge), codes.OK)
	if got := w.charged.take(); len(got) != 1 {
		t.Errorf("the certificate that policy wants reaches the program as %q", got)
	}
}

func anotherAuthority(t *testing.T, w *world) {
	forged := dial(t, w.payment.inbound(50051), showing("h2", certificate(t, another(t), "checkout")))
	refused(t, call(t.Context(), forged, charge), codes.Unavailable)
}

func expired(t *testing.T, w *world) {
	old := certificate(t, w.earlier(t, ca.Lifetime+time.Minute), "checkout")
	refused(t, call(t.Context(), dial(t, w.payment.inbound(50051), showing("h2", old)), charge), codes.Unavailable)
}

// impostor answers in payment's place with certificates that are not payment's, and counts what it receives.
func impostor(t *testing.T, w *world) {
	for name, cert := range map[string]tls.Certificate{
		"another identity": certificate(t, w.authority, "email"), "another CA": certificate(t, another(t), "payment"),
		"expired": certificate(t, w.earlier(t, ca.Lifetime+time.Minute), "payment"),
	} {
		ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
			Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12,
		})
		if err != nil {
			t.Fatal(err)
		}
		told := make(chan int, 8)
		go func() {
			defer close(told)
			for {
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				n, _ := io.Copy(io.Discard, conn)
				_ = conn.Close()
				told <- int(n)
			}
		}()
		at := w.redirect("payment-1", ln.Addr().String())
		err = call(t.Context(), dial(t, w.checkout.outbound("payment", 50051), nil), charge)
		w.redirect("payment-1", at)
		_ = ln.Close()
		if refused(t, err, codes.Unavailable); !strings.Contains(status.Convert(err).Message(), "transport failure reason") {
			t.Errorf("%s: %v", name, err)
		}
		for n := range told {
			if n > 0 {
				t.Errorf("%s: it was told %d bytes", name, n)
			}
		}
	}
}

func anothersRequest(t *testing.T, w *world) {
	conn := w.control(t)
	for token, want := range map[string]codes.Code{w.email.token: codes.PermissionDenied, "": codes.Unauthenticated, w.payment.token: codes.OK} {
		_, request, err := ca.Request(account("payment"))
		if err != nil {
			t.Fatal(err)
		}
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
		_, err = certificates.NewIstioCertificateServiceClient(conn).CreateCertificate(ctx, &certificates.IstioCertificateRequest{Csr: string(request)})
		refused(t, err, want)
	}
}

func anothersResources(t *testing.T, w *world) {
	const listeners = "type.googleapis.com/envoy.config.listener.v3.Listener"
	_, err := w.discover(t, w.email, w.payment.node.ID, listeners)
	refused(t, err, codes.PermissionDenied)
	own, err := w.discover(t, w.email, w.email.node.ID, listeners)
	refused(t, err, codes.OK)
	for _, r := range own.GetResources() {
		if strings.Contains(string(r.GetValue()), "inbound") {
			t.Errorf("email, which serves nothing, gets %s", r)
		}
	}
}

func secrets(t *testing.T, w *world) {
	_, err := w.discover(t, w.email, w.email.node.ID, "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret")
	refused(t, err, codes.InvalidArgument)
}

// control connects to the control plane.
func (s *shop) control(t *testing.T) *grpc.ClientConn {
	t.Helper()
	return dialTarget(t, s.target)
}

// discover asks the control plane with the token of one pod for the resources of another.
func (s *shop) discover(t *testing.T, as *pod, node, kind string) (*discoveryv3.DiscoveryResponse, error) {
	t.Helper()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+as.token)
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(s.control(t)).StreamAggregatedResources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&discoveryv3.DiscoveryRequest{Node: &corev3.Node{Id: node}, TypeUrl: kind}); err != nil {
		t.Fatal(err)
	}
	return stream.Recv()
}

// redirect makes the control plane believe that a pod is called elsewhere, and returns where it was.
func (s *shop) redirect(name, address string) (before string) {
	s.t.Helper()
	s.change(func(o *orchestrator.Snapshot) {
		for i := range o.Endpoints {
			if e := &o.Endpoints[i]; e.Pod == name {
				before, e.PeerAddr = e.PeerAddr, address
			}
		}
	})
	eventually.True(s.t, "the address is in force", func() bool { return s.knows(address) })
	return before
}
