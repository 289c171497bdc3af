package meshtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/ads"
	"github.com/shopctl/shopctl/pkg/mesh/ca"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const namespace = "production"

// services are those of every test: one of each protocol.
const services = `apiVersion: v1
kind: Service
metadata: {name: payment}
spec: {selector: {app: payment}, ports: [{name: grpc, port: 50051}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: redis}
spec: {selector: {app: redis}, ports: [{name: tcp-redis, port: 6379}]}
`

// shop is a control plane with the sidecars of a few pods.
type shop struct {
	t         *testing.T
	dir       string
	objects   *store.Store
	plane     *control.Plane
	authority *ca.CA
	target    string // of the control plane
	pods      map[string]*pod

	mu    sync.Mutex
	state orchestrator.Snapshot
	newer chan struct{}
}

// pod has a sidecar, and a program if it serves something.
type pod struct {
	node      control.Node
	token     string
	log       *accessLog
	mu        sync.Mutex
	listeners map[string]string
}

// served is what a pod serves: a port of a service, and where its program listens.
type served struct {
	service      string
	port, target int32
	program      string
}

// open starts a control plane with objects.
func open(t *testing.T, objects string) *shop {
	t.Helper()
	s := &shop{t: t, pods: map[string]*pod{}, newer: make(chan struct{})}
	var err error
	if s.dir, err = os.MkdirTemp("", "mesh"); err != nil { // a short path, for a socket
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(s.dir) })
	if s.objects, err = store.Open(store.Config{}); err != nil {
		t.Fatal(err)
	}
	if s.authority, err = ca.Open(filepath.Join(s.dir, "ca"), time.Now); err != nil {
		t.Fatal(err)
	}
	server := ads.New(s.authority)
	s.plane = control.New(control.Config{Objects: s.objects, Observer: s, Server: server, Now: time.Now, Report: func(err error) { t.Error(err) }})
	g := grpc.NewServer()
	server.Register(g, s.plane)
	ln, err := net.Listen("unix", filepath.Join(s.dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	s.target = "unix:" + ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.plane.Run(ctx) })
	running.Go(func() { _ = g.Serve(ln) })
	t.Cleanup(func() {
		cancel()
		g.Stop()
		running.Wait()
	})
	s.apply(services + "---\n" + objects)
	return s
}

// Snapshot implements orchestrator.Observer.
func (s *shop) Snapshot() (orchestrator.Snapshot, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.newer
}

// change replaces the state that the control plane observes.
func (s *shop) change(next func(o *orchestrator.Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Endpoints, s.state.Workloads = slices.Clone(s.state.Endpoints), slices.Clone(s.state.Workloads)
	next(&s.state)
	close(s.newer)
	s.newer = make(chan struct{})
}

// apply applies objects, and waits until every sidecar has them in force.
func (s *shop) apply(text string) {
	s.t.Helper()
	manifests, err := decode.Decode("mesh.yaml", []byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.objects.Apply(s.t.Context(), manifests, "", false); err != nil {
		s.t.Fatal(err)
	}
	if behind, err := s.plane.WaitInForce(s.t.Context(), s.objects.Snapshot().Revision()); err != nil {
		s.t.Fatalf("%v is behind: %v", behind, err)
	}
}

// join starts the sidecar of a new pod of an account, which serves these.
func (s *shop) join(name, account string, serves ...served) *pod {
	s.t.Helper()
	p := &pod{log: &accessLog{}, node: control.Node{
		ID: control.NodeID(namespace, name), Namespace: namespace, Pod: name, Workload: account, ServiceAccount: account,
		Labels: map[string]string{"app": account},
	}}
	s.pods[name] = p
	s.change(func(o *orchestrator.Snapshot) {
		o.Workloads = append(o.Workloads, orchestrator.Workload{
			Key: orchestrator.Key{Namespace: namespace, Name: account}, Instances: []orchestrator.Instance{{Name: name}},
		})
		for _, one := range serves {
			o.Endpoints = append(o.Endpoints, orchestrator.Endpoint{
				Service: orchestrator.Key{Namespace: namespace, Name: one.service}, ServicePort: one.port, TargetPort: one.target, Pod: name,
				Labels: p.node.Labels, ServiceAccount: account, Addr: one.program,
			})
		}
	})
	p.token = s.plane.Register(p.node)
	s.start(p)
	eventually.True(s.t, name+" listens", func() bool { return p.address("inbound_", serves) })
	s.change(func(o *orchestrator.Snapshot) {
		for i := range o.Endpoints {
			if e := &o.Endpoints[i]; e.Pod == name {
				e.PeerAddr, e.Ready, e.Sidecar = p.inbound(e.TargetPort), true, true
			}
		}
	})
	eventually.True(s.t, "all sidecars have "+name+" in force", func() bool { return s.inForce(p, serves) })
	return p
}

// inForce reports whether every sidecar knows where a pod is called.
func (s *shop) inForce(p *pod, serves []served) bool {
	addresses := make([]string, len(serves))
	for i, one := range serves {
		addresses[i] = p.inbound(one.target)
	}
	return s.knows(addresses...)
}

// knows reports whether every sidecar has endpoints at addresses in force, and nothing newer is on its way.
func (s *shop) knows(addresses ...string) bool {
	for _, status := range s.plane.Status() {
		if !status.InSync() {
			return false
		}
		var text strings.Builder
		for _, e := range s.plane.Resources(status.ID).Endpoints {
			text.WriteString(protojson.Format(e))
		}
		for _, address := range addresses {
			if _, port, _ := net.SplitHostPort(address); !strings.Contains(text.String(), port) {
				return false
			}
		}
	}
	return true
}

// start runs the sidecar of a pod until the test ends.
func (s *shop) start(p *pod) {
	file := filepath.Join(s.dir, p.node.Pod+".token")
	if err := os.WriteFile(file, []byte(p.token), 0o600); err != nil {
		s.t.Fatal(err)
	}
	down, daemon := io.Pipe()
	reports, up := io.Pipe()
	var running sync.WaitGroup
	running.Go(func() {
		_ = lifeline.Read(reports, func(m lifeline.Up) {
			if m.Listeners != nil {
				p.mu.Lock()
				p.listeners = *m.Listeners
				p.mu.Unlock()
			}
		})
	})
	running.Go(func() {
		_ = sidecar.Start(context.Background(), sidecar.Bootstrap{ADS: s.target, TokenFile: file, Node: sidecar.Node{
			ID: p.node.ID, Namespace: namespace, Pod: p.node.Pod, Workload: p.node.Workload, ServiceAccount: p.node.ServiceAccount, Labels: p.node.Labels,
		}}, sidecar.Streams{Log: p.log, Down: down, Up: up})
		_ = up.Close()
	})
	s.t.Cleanup(func() {
		_ = daemon.Close()
		running.Wait()
	})
}

func (p *pod) address(prefix string, serves []served) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range serves {
		if p.listeners[fmt.Sprint(prefix, one.target)] == "" {
			return false
		}
	}
	return p.listeners != nil
}

// inbound is where others call a port of the pod.
func (p *pod) inbound(port int32) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listeners[fmt.Sprint("inbound_", port)]
}

// outbound is where the pod's program calls a port of a service.
func (p *pod) outbound(service string, port int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listeners[fmt.Sprintf("%s.%s.svc.cluster.local_%d", service, namespace, port)]
}

// accessLog keeps what a sidecar writes.
type accessLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *accessLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// lines are those that contain all of some words.
func (l *accessLog) lines(words ...string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			found = append(found, line)
		}
	}
	return found
}

// wait waits for a line that contains all of some words.
func (l *accessLog) wait(t *testing.T, words ...string) {
	t.Helper()
	l.more(t, 0, words...)
}

// more waits for another line than the first n that contain all of some words.
func (l *accessLog) more(t *testing.T, n int, words ...string) {
	t.Helper()
	if !eventually.Within(20*time.Second, func() bool { return len(l.lines(words...)) > n }) {
		t.Errorf("the access log has no new line with %q; its last are\n%s", words, last(l.lines(), 5))
	}
}

func last(lines []string, n int) string { return strings.Join(lines[max(0, len(lines)-n):], "") }
