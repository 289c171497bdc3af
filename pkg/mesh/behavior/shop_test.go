package behavior

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/mesh/ads"
	"github.com/shopctl/shopctl/pkg/mesh/ca"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

const (
	checkout = "checkoutservice"
	payment  = "paymentservice"
	// stranger has no sidecar: it calls the port of a pod's sidecar in plaintext.
	stranger   = "stranger"
	production = "production"
)

// service is one of the shop's: its port is that of its pods too.
type service struct {
	kind string
	port int32
}

// services are those that there are.
func services() map[string]service {
	return map[string]service{
		payment: {"grpc", 50051}, "cartservice": {"grpc", 7070}, "frontend": {"http", 80}, "redis-cart": {"tcp", 6379},
	}
}

// kindOf is what a service speaks, or the service of a pod.
func kindOf(name string) string {
	if s, ok := services()[name]; ok {
		return s.kind
	}
	return services()[name[:max(strings.LastIndexByte(name, '-'), 0)]].kind
}

// shop is a control plane with sidecars and programs.
type shop struct {
	t        *testing.T
	objects  *store.Store
	plane    *control.Plane
	address  string // of the control plane, which takes spans too
	programs map[string]*program
	*certificates
	names map[string]string // of pods, by the addresses of their programs and sidecars

	mu       sync.Mutex
	state    orchestrator.Snapshot
	newer    chan struct{}
	sidecars map[string]*runningSidecar // by pod
	spans    tracepb.TracesData
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// Snapshot implements orchestrator.Observer.
func (s *shop) Snapshot() (orchestrator.Snapshot, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.newer
}

// change changes the state that the control plane sees.
func (s *shop) change(edit func(*orchestrator.Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.state
	next.Endpoints, next.Workloads = slices.Clone(next.Endpoints), slices.Clone(next.Workloads)
	edit(&next)
	s.state = next
	close(s.newer)
	s.newer = make(chan struct{})
}

// newShop starts a control plane, in which there are the services and nothing else.
func newShop(t *testing.T, authority *ca.CA, certificates *certificates) *shop {
	t.Helper()
	objects, err := store.Open(store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{
		t: t, objects: objects, certificates: certificates, programs: map[string]*program{}, names: map[string]string{}, newer: make(chan struct{}),
		sidecars: map[string]*runningSidecar{},
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(services())) {
		fmt.Fprintf(&text, "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {selector: {app: %[1]s}, ports: [{name: %s, port: %d}]}\n---\n",
			name, services()[name].kind, services()[name].port)
		fmt.Fprintf(&text, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: %s}\n---\n", name)
	}
	text.WriteString("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: checkoutservice}\n---\n" +
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: away, labels: {istio-injection: enabled}}\n---\n" +
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: istio-system, labels: {istio-injection: enabled}}\n")
	s.apply("shop.yaml", text.String())

	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	server := ads.New(authority)
	s.plane = control.New(control.Config{
		Objects: s.objects, Observer: s, Server: server, Now: time.Now, Report: func(err error) { t.Error(err) },
	})
	g := grpc.NewServer()
	server.Register(g, s.plane)
	collectorpb.RegisterTraceServiceServer(g, collector{shop: s})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = ln.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() { _ = g.Serve(ln) })
	serving.Go(func() { s.plane.Run(ctx) })
	t.Cleanup(func() {
		s.end()
		g.Stop()
		serving.Wait()
	})
	return s
}

// collector takes the spans of sidecars.
type collector struct {
	collectorpb.UnimplementedTraceServiceServer
	*shop
}

// Export implements the service of OTLP.
func (c collector) Export(_ context.Context, r *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spans.ResourceSpans = append(c.spans.ResourceSpans, r.GetResourceSpans()...)
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

// end ends the sidecars, which then have recorded everything.
func (s *shop) end() {
	s.stop()
	s.running.Wait()
}
