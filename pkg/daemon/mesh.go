package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/api"
	"github.com/shopctl/shopctl/pkg/daemon/issuers"
	"github.com/shopctl/shopctl/pkg/mesh/ads"
	"github.com/shopctl/shopctl/pkg/mesh/ca"
	meshcontrol "github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// The values of Config.Mesh.
const (
	// MeshAuto starts sidecars once an object of Istio is applied, or mesh on is run.
	MeshAuto = "auto"
	// MeshOn starts sidecars with the shop.
	MeshOn = "on"
	// MeshOff starts none, whatever objects there are.
	MeshOff = "off"
)

// The values of Config.Sidecars.
const (
	// SidecarsOwn gives each sidecar a process.
	SidecarsOwn = "own"
	// SidecarsShared runs all in one.
	SidecarsShared = "shared"
)

// mesh is the control plane of a shop, and what starts its sidecars.
type mesh struct {
	plane  *meshcontrol.Plane
	server *grpc.Server
	// authority signs the certificates of sidecars.
	authority *ca.CA
	// dir holds the tokens of sidecars that start; socket is where the control plane serves.
	dir, socket string
	// front is the Service that people open in a browser.
	front orchestrator.Key
}

var _ workload.Mesh = (*mesh)(nil)

// newMesh makes the control plane; nil in a shop that is to have no sidecars.
func (s *shop) newMesh() (*mesh, error) {
	switch s.cfg.Sidecars {
	case "", SidecarsOwn, SidecarsShared:
	default:
		return nil, control.Error(codes.InvalidArgument, fmt.Sprintf("read --sidecars %q: want own or shared", s.cfg.Sidecars), "shopctl up --sidecars=shared", 2)
	}
	if s.cfg.Driver == DockerDriver {
		if s.cfg.Mesh == MeshOn {
			return nil, control.Error(codes.InvalidArgument, "--mesh=on: the docker driver starts no sidecars", "shopctl up --mesh=on --driver process", 2)
		}
		return nil, nil
	}
	switch s.cfg.Mesh {
	case "", MeshAuto, MeshOn:
	case MeshOff:
		return nil, nil
	default:
		return nil, control.Error(codes.InvalidArgument, fmt.Sprintf("read --mesh %q: want auto, on or off", s.cfg.Mesh), "shopctl up --mesh=on", 2)
	}
	m := &mesh{dir: s.dir.Mesh(), socket: s.dir.MeshSocket(), server: grpc.NewServer(), front: s.storefront()}
	for _, dir := range []string{m.dir, s.dir.Authority()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make directory of the mesh: %w", err)
		}
	}
	authority, err := ca.Open(s.dir.Authority(), s.now)
	if err != nil {
		return nil, err
	}
	m.authority = authority
	server := ads.New(authority)
	m.plane = meshcontrol.New(meshcontrol.Config{
		Objects: s.store, Observer: s.state, Server: server, Issuers: issuers.Client(s.state), Now: s.now,
		Report: func(err error) { s.log.Warn("configure sidecars", "error", err) },
	})
	server.Register(m.server, m.plane)
	if s.cfg.Mesh == MeshOn {
		if _, err := api.JoinMesh(context.Background(), s.store, []string{s.store.Namespace()}, true, false); err != nil {
			return nil, err
		}
		s.source.refresh()
	}
	return m, nil
}

// remove removes what is only for a shop that runs; nil has nothing.
func (m *mesh) remove() {
	if m != nil {
		_ = os.Remove(m.socket) // the server has, as a rule
		_ = os.RemoveAll(m.dir) // what is left is removed with the next shop's
	}
}

// run serves the control plane until ctx ends.
func (m *mesh) run(ctx context.Context) error {
	defer m.remove()
	if err := os.Remove(m.socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove old socket: %w", err)
	}
	l, err := net.Listen("unix", m.socket)
	if err != nil {
		return fmt.Errorf("serve sidecars: %w", err)
	}
	stop := context.AfterFunc(ctx, m.server.Stop)
	defer stop()
	planed := make(chan struct{})
	go func() {
		defer close(planed)
		m.plane.Run(ctx)
	}()
	err = m.server.Serve(l)
	<-planed
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve sidecars: %w", err)
}

// Environ implements workload.Mesh. The token is in a file, since a process' environment outlives its use.
func (m *mesh) Environ(pod podspec.Pod, ports map[string]string) ([]string, error) {
	node := meshcontrol.Node{
		ID: meshcontrol.NodeID(pod.Namespace, pod.Name), Namespace: pod.Namespace, Pod: pod.Name, Workload: pod.Workload,
		ServiceAccount: pod.ServiceAccount, Labels: pod.Labels, Gateway: pod.Gateway,
	}
	if pod.Gateway && pod.Workload == resource.Gateway && pod.Namespace == m.front.Namespace {
		node.Front = m.front
	}
	file := filepath.Join(m.dir, pod.Name+".token")
	if err := os.WriteFile(file, []byte(m.plane.Register(node)), 0o600); err != nil {
		return nil, fmt.Errorf("write token of sidecar: %w", err)
	}
	return sidecar.Bootstrap{
		ADS: "unix:" + m.socket, TokenFile: file, Ports: ports,
		Node: sidecar.Node{
			ID: node.ID, Namespace: node.Namespace, Pod: node.Pod, Workload: node.Workload, ServiceAccount: node.ServiceAccount, Labels: node.Labels,
		},
	}.Environ()
}
