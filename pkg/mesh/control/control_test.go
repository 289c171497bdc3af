package control_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

const services = `apiVersion: v1
kind: Service
metadata: {name: paymentservice}
spec:
  selector: {app: paymentservice}
  ports: [{name: grpc, port: 50051, targetPort: api}]
---
apiVersion: v1
kind: Service
metadata: {name: redis-cart}
spec:
  selector: {app: redis-cart}
  ports: [{name: tcp-redis, port: 6379, targetPort: 6379}]
`

const canary = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: payment}
spec:
  hosts: [paymentservice]
  http:
  - route: [{destination: {host: paymentservice}}]
    timeout: 2s
`

func openStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, services)
	return s
}

func apply(t *testing.T, s *store.Store, text string) {
	t.Helper()
	manifests, err := decode.Decode("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(t.Context(), manifests, "", false); err != nil {
		t.Fatal(err)
	}
}

var payment = control.Node{
	ID: control.NodeID("production", "payment-1"), Namespace: "production", Pod: "payment-1", ServiceAccount: "paymentservice",
	Labels: map[string]string{"app": "paymentservice"},
}

// endpoint is a pod of payment that has a sidecar.
var endpoint = orchestrator.Endpoint{
	Service: orchestrator.Key{Namespace: "production", Name: "paymentservice"}, ServicePort: 50051, Pod: "payment-1", TargetPort: 8443,
	Labels: payment.Labels, ServiceAccount: "paymentservice", Addr: "127.0.0.1:41001", PeerAddr: "127.0.0.1:41002", Ready: true, Sidecar: true,
}

func names[M interface{ GetName() string }](all []M) []string {
	var names []string
	for _, m := range all {
		names = append(names, m.GetName())
	}
	slices.Sort(names)
	return names
}

func TestASidecarIsConfiguredForAllServicesAndItsOwnPorts(t *testing.T) {
	objects := openStore(t)
	m := control.Mesh(objects.Snapshot(), []orchestrator.Endpoint{endpoint}, nil)
	r := control.Sidecar(m, payment, control.AppPorts(m, []orchestrator.Endpoint{endpoint}, "production", "payment-1"))
	if got, want := strings.Join(names(r.Listeners), " "), "inbound_8443 paymentservice.production.svc.cluster.local_50051 redis-cart.production.svc.cluster.local_6379"; got != want {
		t.Errorf("listeners\n%s, want\n%s", got, want)
	}
	if got, want := strings.Join(names(r.Routes), " "), "paymentservice.production.svc.cluster.local:50051"; got != want {
		t.Errorf("routes %s, want %s", got, want)
	}
	if got, want := strings.Join(names(r.Clusters), " "), "inbound|8443|| outbound|50051||paymentservice.production.svc.cluster.local outbound|6379||redis-cart.production.svc.cluster.local"; got != want {
		t.Errorf("clusters\n%s, want\n%s", got, want)
	}
	var all []proto.Message
	for _, m := range r.Listeners {
		all = append(all, m)
	}
	for _, m := range r.Clusters {
		all = append(all, m)
	}
	for _, m := range r.Endpoints {
		all = append(all, m)
	}
	for _, m := range all {
		if err := m.(interface{ ValidateAll() error }).ValidateAll(); err != nil {
			t.Error(err)
		}
		if text := protojson.Format(m); strings.Contains(text, "PRIVATE KEY") || strings.Contains(text, "inlineBytes") {
			t.Errorf("a key is in %s", text)
		}
	}
	text := protojson.MarshalOptions{}.Format(r.Endpoints[0])
	if compact := strings.ReplaceAll(text, " ", ""); !strings.Contains(compact, `"portValue":41002`) || !strings.Contains(compact, `"tlsMode":"istio"`) {
		t.Errorf("others call the sidecar, with mutual TLS: %s", text)
	}
	for _, c := range r.Clusters {
		if compact := strings.ReplaceAll(protojson.Format(c), " ", ""); c.GetName() == "inbound|8443||" && !strings.Contains(compact, `"portValue":41001`) {
			t.Errorf("the sidecar calls the program: %s", compact)
		}
	}
}

func TestAnEndpointThatMustNotBeCalledIsLeftOut(t *testing.T) {
	for name, change := range map[string]func(*orchestrator.Endpoint){
		"unready":           func(e *orchestrator.Endpoint) { e.Ready = false },
		"draining":          func(e *orchestrator.Endpoint) { e.Draining = true },
		"without a sidecar": func(e *orchestrator.Endpoint) { e.PeerAddr = "" },
	} {
		e := endpoint
		change(&e)
		m := control.Mesh(openStore(t).Snapshot(), []orchestrator.Endpoint{e}, nil)
		r := control.Sidecar(m, payment, nil)
		if n := len(r.Endpoints[0].GetEndpoints()); n != 0 {
			t.Errorf("%s: %d groups of endpoints", name, n)
		}
	}
}

// observer shows one state.
type observer struct {
	mu    sync.Mutex
	state orchestrator.Snapshot
	newer chan struct{}
}

func (o *observer) Snapshot() (orchestrator.Snapshot, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state, o.newer
}

// server keeps what it was given.
type server struct {
	mu  sync.Mutex
	set map[string]*xds.Resources
}

func (s *server) Set(node string, r *xds.Resources) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set[node] = r
	return nil
}

func (s *server) Forget(node string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.set, node)
}

func TestAChangedObjectReachesEverySidecarAndItsAckIsWaitedFor(t *testing.T) {
	objects, srv := openStore(t), &server{set: map[string]*xds.Resources{}}
	watched := &observer{newer: make(chan struct{}), state: orchestrator.Snapshot{
		Workloads: []orchestrator.Workload{{Key: orchestrator.Key{Namespace: "production", Name: "paymentservice"}, Instances: []orchestrator.Instance{{Name: "payment-1"}}}},
		Endpoints: []orchestrator.Endpoint{endpoint},
	}}
	plane := control.New(control.Config{Objects: objects, Observer: watched, Server: srv, Now: time.Now, Report: func(err error) { t.Error(err) }})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { plane.Run(ctx) })
	defer running.Wait()
	defer cancel()

	token := plane.Register(payment)
	caller, ok := plane.Authenticate(token)
	if !ok || caller.Node != payment.ID || caller.URI() != "spiffe://cluster.local/ns/production/sa/paymentservice" {
		t.Errorf("the token is that of %v, known: %v", caller, ok)
	}
	if _, ok := plane.Authenticate(""); ok {
		t.Error("an empty token is one")
	}
	plane.Connected(payment.ID, true)
	apply(t, objects, canary)
	ended, end := context.WithCancelCause(t.Context())
	waited := make(chan error)
	revision := objects.Snapshot().Revision()
	go func() {
		_, err := plane.WaitInForce(t.Context(), revision)
		waited <- err
	}()
	eventually.True(t, "the timeout is in the routes", func() bool { return strings.Contains(protojson.Format(routes(plane)), `"2s"`) })
	tired := errors.New("tired")
	end(tired)
	if behind, err := plane.WaitInForce(ended, revision); len(behind) != 1 || !errors.Is(err, tired) {
		t.Errorf("%d sidecars are behind, error %v", len(behind), err)
	}
	plane.Acked(payment.ID, plane.Resources(payment.ID).Version, "")
	if err := <-waited; err != nil {
		t.Error(err)
	}
	if status := plane.Status(); len(status) != 1 || !status[0].InSync() {
		t.Errorf("status %+v", status)
	}
	if again := plane.Register(payment); again == token {
		t.Error("the token of a new run is the old one")
	}
	if _, ok := plane.Authenticate(token); ok {
		t.Error("the token of an earlier run is known")
	}
	plane.Acked(payment.ID, "", "no such filter")
	if behind, err := plane.WaitInForce(t.Context(), revision); len(behind) != 1 || behind[0].Refused != "no such filter" || err != nil {
		t.Errorf("%+v have refused it, error %v", behind, err)
	}
}

// routes are the first of the sidecar's.
func routes(plane *control.Plane) proto.Message {
	if r := plane.Resources(payment.ID); r != nil && len(r.Routes) > 0 {
		return r.Routes[0]
	}
	return &emptypb.Empty{}
}

const edge = `apiVersion: v1
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
  ports: [{name: http2, port: 80, targetPort: 8080}, {name: http-more, port: 8000}, {name: http-none, port: 8001}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}
  - {port: {number: 8000, name: more, protocol: HTTP}, hosts: ["./*"]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.example.com, other.example.com]
  gateways: [edge]
  http:
  - {match: [{uri: {prefix: /api}}], route: [{destination: {host: frontend}}], timeout: 1s}
  - {match: [{gateways: [mesh]}], route: [{destination: {host: frontend}}], timeout: 2s}
  - {match: [{port: 8000}], route: [{destination: {host: frontend}}], timeout: 3s}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: edge}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  action: DENY
  rules: [{to: [{operation: {paths: [/admin]}}]}]
`

func TestAGatewayRoutesHostsThatGatewayAndVirtualServiceHaveAndTheRestToTheStorefront(t *testing.T) {
	objects := openStore(t)
	apply(t, objects, edge)
	node := control.Node{
		ID: control.NodeID("production", "gateway-1"), Namespace: "production", Pod: "gateway-1", Labels: map[string]string{"istio": "ingressgateway"},
		Gateway: true, Front: orchestrator.Key{Namespace: "production", Name: "frontend"},
	}
	m := control.Mesh(objects.Snapshot(), nil, nil)
	r := control.Sidecar(m, node, nil)
	if got, want := strings.Join(names(r.Listeners), " "), "0.0.0.0_8000 0.0.0.0_8080"; got != want {
		t.Errorf("listeners %s, want %s", got, want)
	}
	for _, l := range r.Listeners {
		if text := strings.ReplaceAll(protojson.Format(l), " ", ""); !strings.Contains(text, "ns[production]-policy[edge]-rule[0]") || strings.Contains(text, "requireClientCertificate") {
			t.Errorf("listener %s: want the policy, and no TLS", text)
		}
		if err := l.ValidateAll(); err != nil {
			t.Error(err)
		}
	}
	got := map[string]string{}
	for _, config := range r.Routes {
		for _, host := range config.GetVirtualHosts() {
			for _, route := range host.GetRoutes() {
				got[config.GetName()] += fmt.Sprintln(host.GetDomains(), route.GetMatch().GetPrefix(), route.GetRoute().GetCluster(), route.GetRoute().GetTimeout().AsDuration())
			}
		}
		if err := config.ValidateAll(); err != nil {
			t.Error(err)
		}
	}
	const to = "outbound|80||frontend.production.svc.cluster.local"
	for name, want := range map[string]string{
		"http.8080": "[shop.example.com] /api " + to + " 1s\n[*] / " + to + " 0s\n",
		"http.8000": "[shop.example.com] /api " + to + " 1s\n[shop.example.com] / " + to + " 3s\n[other.example.com] /api " + to + " 1s\n[other.example.com] / " + to + " 3s\n",
	} {
		if got[name] != want {
			t.Errorf("%s:\n%swant\n%s", name, got[name], want)
		}
	}
	sidecar := control.Sidecar(m, payment, nil)
	for _, config := range sidecar.Routes {
		if text := protojson.Format(config); strings.Contains(text, "virtual-service/shop") {
			t.Errorf("a sidecar has rules for gateways: %s", text)
		}
	}
}
