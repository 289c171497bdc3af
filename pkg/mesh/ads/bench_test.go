package ads_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/ads"
	"github.com/shopctl/shopctl/pkg/mesh/ca"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/agent"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// still is a shop whose instances stay as they are.
type still struct{ state orchestrator.Snapshot }

func (s still) Snapshot() (orchestrator.Snapshot, <-chan struct{}) { return s.state, nil }

// mesh is a control plane with sidecars, for a benchmark.
type mesh struct {
	objects *store.Store
	plane   *control.Plane
}

// change applies a timeout, and returns once it is in force on every sidecar.
func (m *mesh) change(b *testing.B, timeout int) {
	b.Helper()
	applyText(b, m.objects, fmt.Sprintf(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: service-0}
spec:
  hosts: [service-0]
  http: [{route: [{destination: {host: service-0}}], timeout: %dms}]
`, timeout))
	if _, err := m.plane.WaitInForce(b.Context(), m.objects.Snapshot().Revision()); err != nil {
		b.Fatal(err)
	}
}

func applyText(b *testing.B, s *store.Store, text string) {
	b.Helper()
	manifests, err := decode.Decode("f.yaml", []byte(text))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.Apply(b.Context(), manifests, "", false); err != nil {
		b.Fatal(err)
	}
}

// startMesh starts a shop of as many services as sidecars, each with one instance.
func startMesh(b *testing.B, sidecars int) *mesh {
	b.Helper()
	objects, err := store.Open(store.Config{})
	if err != nil {
		b.Fatal(err)
	}
	var state orchestrator.Snapshot
	var nodes []control.Node
	for i := range sidecars {
		name := fmt.Sprintf("service-%d", i)
		applyText(b, objects, fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: %s}
spec: {selector: {app: %[1]s}, ports: [{name: grpc, port: 50051, targetPort: 50051}]}
`, name))
		key := orchestrator.Key{Namespace: "production", Name: name}
		nodes = append(nodes, control.Node{ID: control.NodeID("production", name), Namespace: "production", Pod: name, ServiceAccount: name})
		state.Workloads = append(state.Workloads, orchestrator.Workload{Key: key, Instances: []orchestrator.Instance{{Name: name}}})
		state.Endpoints = append(state.Endpoints, orchestrator.Endpoint{
			Service: key, ServicePort: 50051, Pod: name, TargetPort: 50051, ServiceAccount: name,
			Addr: fmt.Sprintf("127.0.0.1:%d", 41000+i), PeerAddr: fmt.Sprintf("127.0.0.1:%d", 42000+i), Ready: true, Sidecar: true,
		})
	}
	authority, err := ca.Open(filepath.Join(b.TempDir(), "ca"), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	server := ads.New(authority)
	report := func(err error) { b.Log(err) }
	m := &mesh{objects: objects, plane: control.New(control.Config{Objects: objects, Observer: still{state}, Server: server, Now: time.Now, Report: report})}
	g := grpc.NewServer()
	server.Register(g, m.plane)
	lis, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { m.plane.Run(ctx) })
	running.Go(func() {
		if err := g.Serve(lis); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(func() { cancel(); g.Stop(); running.Wait() })
	for _, node := range nodes {
		a, err := agent.New(agent.Config{
			Target: "unix:" + lis.Addr().String(), Node: node.ID, Token: m.plane.Register(node), Identity: node.Identity(),
			Apply: func(*xds.Resources) error { return nil }, Report: report,
		})
		if err != nil {
			b.Fatal(err)
		}
		running.Go(func() { a.Follow(ctx); a.Close() })
	}
	m.awaitAll(b)
	return m
}

// awaitAll returns once every sidecar is in sync.
func (m *mesh) awaitAll(b *testing.B) {
	b.Helper()
	behind := func(s control.Status) bool { return !s.Connected || !s.InSync() }
	eventually.True(b, "every sidecar is in sync", func() bool { return !slices.ContainsFunc(m.plane.Status(), behind) })
}

func BenchmarkAChangedObjectIsInForceOnEverySidecar(b *testing.B) {
	for _, sidecars := range []int{1, 12, 24} {
		b.Run(fmt.Sprintf("sidecars=%d", sidecars), func(b *testing.B) {
			m := startMesh(b, sidecars)
			var took []time.Duration
			used := processorTime(b)
			for i := 0; b.Loop(); i++ {
				began := time.Now()
				m.change(b, 1000+i)
				took = append(took, time.Since(began))
			}
			used = processorTime(b) - used
			slices.Sort(took)
			b.ReportMetric(float64(used.Microseconds())/1000/float64(len(took)), "cpu-ms/op")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[(len(took)-1)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// processorTime is that of the control plane and of all sidecars, so far: other work on the machine is not in it.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
