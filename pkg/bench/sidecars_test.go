package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/ads"
	"github.com/shopctl/shopctl/pkg/mesh/ca"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// everythingOn routes by a header, retries, ejects hosts that fail, limits connections, and has mutual TLS alone.
const everythingOn = `apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {selector: {app: echo}, ports: [{name: grpc, port: 50051, targetPort: 50051}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo}
spec:
  hosts: [echo]
  http:
  - match: [{headers: {x-canary: {exact: "yes"}}}, {uri: {regex: "/bench[.]Other/.*"}}]
    route: [{destination: {host: echo, subset: v2}}]
  - route:
    - {destination: {host: echo, subset: v1}, weight: 100}
    timeout: 5s
    retries: {attempts: 3, perTryTimeout: 2s, retryOn: "connect-failure,refused-stream,unavailable"}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: echo}
spec:
  host: echo
  trafficPolicy:
    connectionPool: {http: {http2MaxRequests: 1000}}
    outlierDetection: {consecutive5xxErrors: 5, interval: 10s, baseEjectionTime: 30s, maxEjectionPercent: 100}
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default}
spec: {mtls: {mode: STRICT}}
`

// still is a shop whose instances stay as they are.
type still struct{ state orchestrator.Snapshot }

func (s still) Snapshot() (orchestrator.Snapshot, <-chan struct{}) { return s.state, nil }

// startSidecars starts a control plane, and the sidecars of a caller and of the echo, which call it by mutual TLS and send
// their spans to an address.
func startSidecars(b *testing.B, echo, spans string) *pair {
	b.Helper()
	ports := freePorts(b, 2)
	const namespace = "production"
	key := orchestrator.Key{Namespace: namespace, Name: "echo"}
	state := orchestrator.Snapshot{
		Workloads: []orchestrator.Workload{
			{Key: key, Instances: []orchestrator.Instance{{Name: "echo"}}},
			{Key: orchestrator.Key{Namespace: namespace, Name: "caller"}, Instances: []orchestrator.Instance{{Name: "caller"}}},
		},
		Endpoints: []orchestrator.Endpoint{{
			Service: key, ServicePort: 50051, Pod: "echo", TargetPort: 50051, ServiceAccount: "echo", Labels: map[string]string{"app": "echo", "version": "v1"},
			Addr: echo, PeerAddr: ports[0], Ready: true, Sidecar: true,
		}},
	}
	plane, target := servePlane(b, state)
	p := &pair{kind: "sidecars"}
	listeners := map[string]string{"inbound_50051": ports[0], "echo." + namespace + ".svc.cluster.local_50051": ports[1]}
	for pod, own := range map[string]string{"echo": "inbound_50051", "caller": "echo." + namespace + ".svc.cluster.local_50051"} {
		node := control.Node{
			ID: control.NodeID(namespace, pod), Namespace: namespace, Pod: pod, ServiceAccount: pod, Workload: pod,
			Labels: map[string]string{"app": pod, "version": "v1"},
		}
		token := filepath.Join(b.TempDir(), "token")
		if err := os.WriteFile(token, []byte(plane.Register(node)), 0o600); err != nil {
			b.Fatal(err)
		}
		p.pids = append(p.pids, startSidecar(b, sidecar.Bootstrap{
			ADS: target, TokenFile: token, Ports: map[string]string{own: listeners[own]}, Spans: spans,
			Node: sidecar.Node{ID: node.ID, Namespace: namespace, Pod: pod, Workload: pod, ServiceAccount: pod, Labels: node.Labels},
		}))
	}
	eventually.True(b, "both sidecars are in sync", func() bool {
		return !slices.ContainsFunc(plane.Status(), func(s control.Status) bool { return !s.Connected || !s.InSync() })
	})
	p.conn = dialPair(b, ports[1])
	return p
}

// startSidecar starts a sidecar of the built binary until the benchmark ends, and returns its process. Its log is a file.
func startSidecar(b *testing.B, with sidecar.Bootstrap) int {
	b.Helper()
	env, err := with.Environ()
	if err != nil {
		b.Fatal(err)
	}
	log, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(binary, "sidecar", "run")
	if dir := os.Getenv("BENCH_PROFILES"); dir != "" { // the same in this program, which can be profiled
		cmd = exec.Command(os.Args[0])
		env = append(env, "BENCH_SIDECAR="+filepath.Join(dir, with.Node.Pod))
	}
	env = append(podspec.SidecarRuntime(), env...) // as the shop starts it
	cmd.Env = append(append(os.Environ(), env...), "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+with.Spans, "OTEL_SERVICE_NAME="+with.Node.Pod)
	cmd.Stdout, cmd.Stderr = log, log
	return startProcess(b, cmd)
}

// startProcess starts a process, and ends it with the benchmark.
func startProcess(b *testing.B, cmd *exec.Cmd) int {
	b.Helper()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			b.Error(err)
		}
		_ = cmd.Wait() // a signal ended it
	})
	return cmd.Process.Pid
}

// servePlane runs a control plane for a shop on a Unix socket.
func servePlane(b *testing.B, state orchestrator.Snapshot) (plane *control.Plane, target string) {
	b.Helper()
	objects, err := store.Open(store.Config{})
	if err != nil {
		b.Fatal(err)
	}
	manifests, err := decode.Decode("everything-on.yaml", []byte(everythingOn))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := objects.Apply(b.Context(), manifests, "", false); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	authority, err := ca.Open(filepath.Join(dir, "ca"), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	server := ads.New(authority)
	plane = control.New(control.Config{Objects: objects, Observer: still{state}, Server: server, Now: time.Now, Report: func(err error) { b.Error(err) }})
	g := grpc.NewServer()
	server.Register(g, plane)
	lis, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { plane.Run(ctx) })
	running.Go(func() {
		if err := g.Serve(lis); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(func() { cancel(); g.Stop(); running.Wait() })
	return plane, "unix:" + lis.Addr().String()
}

// freePorts finds addresses at which nothing listens.
func freePorts(b *testing.B, n int) []string {
	b.Helper()
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all
}

// haproxyConfig is a proxy of HTTP/2 in plain text, with HAProxy's defaults.
const haproxyConfig = `defaults
  mode http
  timeout connect 5s
  timeout client 1m
  timeout server 1m
frontend in
  bind %s proto h2
  default_backend out
backend out
  server one %s proto h2
`

// startHAProxies starts Debian's HAProxy twice; nil if it is not installed.
func startHAProxies(b *testing.B, echo string) *pair {
	b.Helper()
	path, err := exec.LookPath("haproxy")
	if err != nil {
		b.Log("HAProxy is not installed (apt-get install haproxy): there is no column for it")
		return nil
	}
	p := &pair{kind: "haproxy"}
	to := echo
	for _, addr := range freePorts(b, 2) {
		config := filepath.Join(b.TempDir(), "haproxy.cfg")
		if err := os.WriteFile(config, fmt.Appendf(nil, haproxyConfig, addr, to), 0o600); err != nil {
			b.Fatal(err)
		}
		cmd := exec.Command(path, "-db", "-f", config)
		var said strings.Builder
		cmd.Stderr = &said
		p.pids = append(p.pids, startProcess(b, cmd))
		eventually.True(b, "HAProxy listens", func() bool {
			conn, err := net.Dial("tcp", addr)
			if err == nil {
				_ = conn.Close()
			}
			return err == nil
		})
		to = addr
	}
	p.conn = dialPair(b, to)
	return p
}
