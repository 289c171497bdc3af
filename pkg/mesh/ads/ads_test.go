package ads_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	certificates "istio.io/api/security/v1alpha1"

	"github.com/shopctl/shopctl/pkg/mesh/ads"
	"github.com/shopctl/shopctl/pkg/mesh/ca"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/agent"
	"github.com/shopctl/shopctl/pkg/mesh/translate"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

var payment = ca.Identity{TrustDomain: "cluster.local", Namespace: "production", ServiceAccount: "paymentservice"}

// tokens are the sidecars of a test, by their tokens, and what they acknowledged.
type tokens struct {
	callers map[string]ads.Caller
	mu      sync.Mutex
	acked   map[string]string
	refused map[string]string
	changed chan struct{}
}

func (p *tokens) Authenticate(token string) (ads.Caller, bool) {
	c, ok := p.callers[token]
	return c, ok
}

func (p *tokens) Acked(node, version, refused string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if refused == "" {
		p.acked[node] = version
	}
	p.refused[node] = refused
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *tokens) Connected(string, bool) {}

// wait returns once a condition on what was acknowledged and refused holds.
func (p *tokens) wait(t *testing.T, what string, holds func(acked, refused string) bool) {
	t.Helper()
	for {
		p.mu.Lock()
		acked, refused, changed := p.acked["payment"], p.refused["payment"], p.changed
		p.mu.Unlock()
		if holds(acked, refused) {
			return
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatalf("never %s: acknowledged %q, refused %q", what, acked, refused)
		}
	}
}

// serve starts a server on a unix socket, and returns its target.
func serve(t *testing.T) (server *ads.Server, plane *tokens, target string) {
	t.Helper()
	dir := t.TempDir()
	authority, err := ca.Open(filepath.Join(dir, "ca"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	plane = &tokens{
		callers: map[string]ads.Caller{"secret": {Node: "payment", Identity: payment}},
		acked:   map[string]string{}, refused: map[string]string{}, changed: make(chan struct{}),
	}
	server = ads.New(authority)
	lis, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	server.Register(g, plane)
	served := make(chan error)
	go func() { served <- g.Serve(lis) }()
	t.Cleanup(func() {
		g.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return server, plane, "unix:" + lis.Addr().String()
}

// resources are those of a sidecar of payment, that differ by the number of a service's ports.
func resources(t *testing.T, ports int) *xds.Resources {
	t.Helper()
	m := &translate.Mesh{Domain: "cluster.local", TrustDomain: "cluster.local", RootNamespace: "istio-system"}
	s := translate.Service{Name: "cartservice", Namespace: "production", Endpoints: []translate.Endpoint{{Address: "127.0.0.1", Sidecar: true, ServiceAccount: "cartservice"}}}
	for i := range ports {
		s.Ports = append(s.Ports, translate.Port{Number: uint32(7070 + i), TargetPort: uint32(7070 + i), Protocol: translate.GRPC})
	}
	m.Services = []translate.Service{s}
	own := control.AppPort{Port: translate.Port{Number: 50051, TargetPort: 50051, Protocol: translate.GRPC}, Address: "127.0.0.1", Local: 41001}
	return control.Sidecar(m, control.Node{ID: "payment", Namespace: "production"}, []control.AppPort{own})
}

// follow starts an agent.
func follow(t *testing.T, target string, apply func(*xds.Resources) error) *agent.Agent {
	t.Helper()
	a, err := agent.New(agent.Config{
		Target: target, Node: "payment", Token: "secret", Identity: payment, Apply: apply, Report: func(err error) { t.Log(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { a.Follow(ctx) })
	running.Go(func() { a.Rotate(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		a.Close()
	})
	return a
}

func TestASidecarGetsItsResourcesWholeAndEachNewVersion(t *testing.T) {
	server, plane, target := serve(t)
	applied := make(chan *xds.Resources, 10)
	first := resources(t, 2)
	if err := server.Set("payment", first); err != nil {
		t.Fatal(err)
	}
	follow(t, target, func(r *xds.Resources) error { applied <- r; return nil })
	for _, want := range []*xds.Resources{first, resources(t, 3), resources(t, 1)} {
		if err := server.Set("payment", want); err != nil {
			t.Fatal(err)
		}
		got := <-applied
		if got.Version != want.Version || len(got.Listeners) != len(want.Listeners) || len(got.Clusters) != len(want.Clusters) ||
			len(got.Routes) != len(want.Routes) || len(got.Endpoints) != len(want.Endpoints) {
			t.Errorf("applied %d listeners, %d clusters, %d routes, %d endpoints of version %s, want %d, %d, %d, %d of %s", len(got.Listeners), len(got.Clusters),
				len(got.Routes), len(got.Endpoints), got.Version, len(want.Listeners), len(want.Clusters), len(want.Routes), len(want.Endpoints), want.Version)
		}
		plane.wait(t, "in force", func(acked, _ string) bool { return acked == want.Version })
	}
}

func TestTheNewestOfManyVersionsIsInForceInTheEnd(t *testing.T) {
	server, plane, target := serve(t)
	var last *xds.Resources
	set := func(ports int) {
		last = resources(t, ports)
		if err := server.Set("payment", last); err != nil {
			t.Error(err)
		}
	}
	set(1)
	follow(t, target, func(*xds.Resources) error { return nil })
	for i := range 200 {
		set(1 + i%7)
	}
	for i := range 101 { // the same two versions again and again
		set(1 + i%2)
	}
	plane.wait(t, "in force", func(acked, _ string) bool { return acked == last.Version })
}

func TestResourcesThatASidecarRefusesAreNotInForce(t *testing.T) {
	server, plane, target := serve(t)
	good, bad := resources(t, 1), resources(t, 2)
	if err := server.Set("payment", good); err != nil {
		t.Fatal(err)
	}
	follow(t, target, func(r *xds.Resources) error {
		if r.Version == bad.Version {
			return errors.New("port in use")
		}
		return nil
	})
	plane.wait(t, "in force", func(acked, _ string) bool { return acked == good.Version })
	if err := server.Set("payment", bad); err != nil {
		t.Fatal(err)
	}
	plane.wait(t, "refused", func(acked, refused string) bool { return refused == "port in use" && acked == good.Version })
	better := resources(t, 3)
	if err := server.Set("payment", better); err != nil {
		t.Fatal(err)
	}
	plane.wait(t, "in force", func(acked, refused string) bool { return acked == better.Version && refused == "" })
}

func TestASidecarHasACertificateForItsIdentity(t *testing.T) {
	_, _, target := serve(t)
	a := follow(t, target, func(*xds.Resources) error { return nil })
	<-a.Ready()
	own, err := a.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(own.Leaf.URIs); got != "["+payment.URI()+"]" {
		t.Errorf("the certificate is for %s", got)
	}
}

func TestOnlyTheSidecarItselfGetsItsResourcesAndCertificate(t *testing.T) {
	server, _, target := serve(t)
	for _, node := range []string{"payment", "checkout"} {
		r := resources(t, 1)
		if err := server.Set(node, r); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const clusters = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	for name, c := range map[string]struct {
		authorization, node, kind string
		want                      codes.Code
	}{
		"no token":        {"", "payment", clusters, codes.Unauthenticated},
		"wrong token":     {"Bearer guess", "payment", clusters, codes.Unauthenticated},
		"empty token":     {"Bearer ", "payment", clusters, codes.Unauthenticated},
		"another's node":  {"Bearer secret", "checkout", clusters, codes.PermissionDenied},
		"no node":         {"Bearer secret", "", clusters, codes.PermissionDenied},
		"secrets":         {"Bearer secret", "payment", "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", codes.InvalidArgument},
		"its own cluster": {"Bearer secret", "payment", clusters, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(t.Context(), "authorization", c.authorization))
			defer cancel()
			stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(ctx)
			if err != nil {
				t.Fatal(err)
			}
			err = stream.Send(&discoveryv3.DiscoveryRequest{Node: &corev3.Node{Id: c.node}, TypeUrl: c.kind})
			if err != nil && !errors.Is(err, io.EOF) { // the server may have ended the stream already; Recv has the reason
				t.Fatal(err)
			}
			if _, err := stream.Recv(); status.Code(err) != c.want {
				t.Errorf("answered with %v, want %v", err, c.want)
			}
		})
	}
	_, forAnother, err := ca.Request(ca.Identity{TrustDomain: "cluster.local", Namespace: "production", ServiceAccount: "checkoutservice"})
	if err != nil {
		t.Fatal(err)
	}
	_, own, err := ca.Request(payment)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		authorization string
		csr           []byte
		want          codes.Code
	}{
		"no token":            {"", own, codes.Unauthenticated},
		"another's identity":  {"Bearer secret", forAnother, codes.PermissionDenied},
		"no request":          {"Bearer secret", nil, codes.PermissionDenied},
		"a sidecar's own one": {"Bearer secret", own, codes.OK},
	} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", c.authorization)
		if _, err := certificates.NewIstioCertificateServiceClient(conn).CreateCertificate(ctx, &certificates.IstioCertificateRequest{Csr: string(c.csr)}); status.Code(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
