package docker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/shopctl/shopctl/pkg/engine"
	"github.com/shopctl/shopctl/pkg/localuser"
	"github.com/shopctl/shopctl/pkg/workload/docker/tunnel"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// PauseArgs are the arguments with which this binary is a pause container.
var PauseArgs = []string{"pod", "hold"}

// sandbox is a running pause container: the network and the processes of a pod.
type sandbox struct {
	run    *engine.Container
	tunnel *tunnel.Client
	ip     string
	// done is closed when it has ended, and with it every container of the pod.
	done chan struct{}

	mu       sync.Mutex
	forwards map[string]*tunnel.Forward // by the address in the pod
	outward  map[string]bool            // the addresses of this machine that are reached from the pod
}

// startSandbox starts a pause container.
func (d *Driver) startSandbox(ctx context.Context, spec *podspec.Pod, name string) (*sandbox, error) {
	network, err := d.ensureNetwork(ctx)
	if err != nil {
		return nil, err
	}
	run, err := d.c.Engine.Run(ctx, engine.Spec{
		Name: name, Image: d.c.Image, Command: PauseArgs, Env: pauseEnviron(), Labels: d.labels(spec, pauseName),
		Network: d.networkName(), Hostname: spec.Name, Aliases: []string{spec.Workload, spec.Workload + "." + spec.Namespace},
		Hardened: true, SharedMemory: true,
	})
	if err != nil {
		return nil, err
	}
	s := &sandbox{run: run, done: make(chan struct{}), forwards: map[string]*tunnel.Forward{}, outward: map[string]bool{}}
	out, in := io.Pipe()
	go func() {
		err := run.Demux(in, &lineLog{log: func(line string) { d.c.Log.Warn("pause container", "pod", spec.Name, "says", line) }})
		_ = in.CloseWithError(err)
	}()
	go func() {
		_ = run.Wait(context.Background())
		run.Close()
		_ = run.Remove(context.Background())
		s.closeForwards()
		close(s.done)
	}()
	s.tunnel, err = tunnel.Open(tunnel.Conn(out, run.Stdin, func() error { return out.Close() }))
	if err == nil {
		s.ip, err = run.Address(ctx, d.networkName())
	}
	if err == nil {
		err = s.reach(d.reachable...)
	}
	if err != nil {
		_ = run.Remove(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("network %s: %w", network[:12], err)
	}
	return s, nil
}

// pauseEnviron keeps a process small that waits all its life.
func pauseEnviron() []string { return []string{"GOMAXPROCS=1", "GOGC=50"} }

// labels are those of a container.
func (d *Driver) labels(spec *podspec.Pod, container string) map[string]string {
	return map[string]string{RunLabel: d.c.Run, shopLabel: d.c.Shop, podLabel: spec.Name, containerLabel: container}
}

// reach makes addresses of this machine reachable from the pod, where they are the same.
func (s *sandbox) reach(addrs ...string) error {
	for _, addr := range addrs {
		s.mu.Lock()
		known := s.outward[addr]
		s.outward[addr] = true
		s.mu.Unlock()
		if known {
			continue
		}
		err := s.tunnel.Listen(addr, func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// forward is an address of this machine that leads to one in the pod.
func (s *sandbox) forward(addr string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.forwards[addr]; f != nil {
		return f.Addr(), nil
	}
	f, err := s.tunnel.Forward(addr, localuser.Only)
	if err != nil {
		return "", err
	}
	s.forwards[addr] = f
	return f.Addr(), nil
}

func (s *sandbox) closeForwards() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.forwards {
		f.Close()
	}
}

// alive reports whether it has not ended.
func (s *sandbox) alive() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// lineLog calls log for each line that is written to it.
type lineLog struct {
	log  func(line string)
	half []byte
}

func (l *lineLog) Write(p []byte) (int, error) {
	l.half = append(l.half, p...)
	for {
		advance, line, _ := bufio.ScanLines(l.half, false)
		if advance == 0 {
			return len(p), nil
		}
		l.log(strings.TrimSpace(string(line)))
		l.half = l.half[advance:]
	}
}
