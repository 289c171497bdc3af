package behavior

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// runningSidecar is one of the shop.
type runningSidecar struct {
	node      string
	listeners map[string]string
	ready     chan struct{} // closed once it listens
	log       logbook
}

// logbook is a log that is read while it is written.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// join adds a pod to a workload, with its sidecar.
func (s *shop) join(workload, namespace, name, version string, plain bool) *runningSidecar {
	s.t.Helper()
	labels := map[string]string{"app": workload}
	if version != "" {
		labels["version"] = version
	}
	svc, serves := services()[workload]
	s.change(func(state *orchestrator.Snapshot) {
		state.Workloads = append(state.Workloads, orchestrator.Workload{
			Key: orchestrator.Key{Namespace: namespace, Name: workload}, Instances: []orchestrator.Instance{{Name: name}},
		})
		if p := s.programs[name]; serves && p != nil {
			e := orchestrator.Endpoint{
				Service: orchestrator.Key{Namespace: namespace, Name: workload}, ServicePort: svc.port, TargetPort: svc.port, Pod: name,
				Labels: labels, ServiceAccount: workload, Addr: p.addr, Ready: true,
			}
			s.names[p.addr] = name
			if plain {
				e.PeerAddr = p.addr
			}
			state.Endpoints = append(state.Endpoints, e)
		}
	})
	if plain {
		return nil
	}
	node := control.Node{
		ID: control.NodeID(namespace, name), Namespace: namespace, Pod: name, ServiceAccount: workload, Workload: workload, Labels: labels,
	}
	out := &runningSidecar{node: node.ID, ready: make(chan struct{})}
	s.sidecars[name] = out
	s.run(out, node)
	return out
}

// run runs a sidecar in this process, as its own process would.
func (s *shop) run(out *runningSidecar, node control.Node) {
	token := filepath.Join(s.t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(s.plane.Register(node)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	reports, up := io.Pipe()
	var once sync.Once
	s.running.Go(func() {
		_ = lifeline.Read(reports, func(m lifeline.Up) {
			if m.Listeners != nil {
				s.mu.Lock()
				out.listeners = *m.Listeners
				s.mu.Unlock()
			}
			if m.Listening != nil {
				once.Do(func() { close(out.ready) })
			}
		})
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	s.stop = both(s.stop, cancel)
	s.running.Go(func() {
		defer func() { _ = up.Close() }()
		err := sidecar.Start(ctx, sidecar.Bootstrap{
			ADS: s.address, TokenFile: token, Spans: "http://" + s.address, Service: node.Workload,
			Node: sidecar.Node{
				ID: node.ID, Namespace: node.Namespace, Pod: node.Pod, Workload: node.Workload, ServiceAccount: node.ServiceAccount, Labels: node.Labels,
			},
		}, sidecar.Streams{Log: &out.log, Up: up})
		if err != nil {
			s.t.Errorf("sidecar of %s: %v", node.Pod, err)
		}
	})
}

func both(a, b func()) func() {
	return func() {
		a()
		b()
	}
}

// listener is where a pod's sidecar listens.
func (s *shop) listener(pod, name string) string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	sc := s.sidecars[pod]
	if sc == nil || sc.listeners[name] == "" {
		s.t.Fatalf("the sidecar of %s does not listen as %s", pod, name)
	}
	return sc.listeners[name]
}

// inboundName is the name of the listener of a pod's sidecar for its program.
func inboundName(workload string) string { return fmt.Sprintf("inbound_%d", services()[workload].port) }

// held are the resources of all sidecars.
func (s *shop) held() map[string]*xds.Resources {
	all := map[string]*xds.Resources{}
	for _, sc := range s.sidecars {
		all[sc.node] = s.plane.Resources(sc.node)
	}
	return all
}
