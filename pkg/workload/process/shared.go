package process

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// sidecarHost is the process that runs the sidecars of all pods, where they share one. It starts with the first and ends after the
// last.
type sidecarHost struct {
	*container
	conn *net.UnixConn
	// guests run in it; the driver's hosts guards it.
	guests int
	// words are the last that it wrote: why it died.
	words atomic.Pointer[string]
}

// guest is one run of a sidecar in a host: a container without a process of its own.
type guest struct {
	*container
	host *sidecarHost
	// stopped and killed: it was asked to end, and how.
	stopped, killed atomic.Bool
	// share is its processor time, and hostTime that of the host when it was read last; the driver's hosts guards them.
	share, hostTime float64
}

var _ workload.Container = (*guest)(nil)

// runGuest starts a sidecar in the host, and the host if there is none.
func (d *Driver) runGuest(c *container) (*guest, error) {
	h, err := d.enterHost(c.pod.spec.Namespace)
	if err != nil {
		return nil, fmt.Errorf("start the process of all sidecars: %w", err)
	}
	p, err := newPipes()
	if err == nil {
		environ := slices.Concat(d.c.Environ, c.env, []string{"OTEL_SERVICE_NAME=" + c.pod.spec.ServiceNameOf(&c.spec)})
		if err = lifeline.SendTask(h.conn, lifeline.Task{ID: c.marker, Environ: environ}, p.childDown, p.childUp, p.childOut); err != nil {
			p.closeOurs()
		}
		p.closeChild()
	}
	if err != nil {
		d.leaveHost(h)
		return nil, err
	}
	c.down, c.up, c.out = p.down, p.up, p.out
	g := &guest{container: c, host: h}
	go g.wait()
	return g, nil
}

// enterHost returns a host that runs, which stays until leaveHost.
func (d *Driver) enterHost(namespace string) (*sidecarHost, error) {
	d.hosts.Lock()
	defer d.hosts.Unlock()
	if d.host == nil || !d.host.running() {
		h, err := d.newHost(namespace)
		if err != nil {
			return nil, err
		}
		d.host = h
	}
	d.host.guests++
	return d.host, nil
}

// leaveHost ends the host after its last guest.
func (d *Driver) leaveHost(h *sidecarHost) {
	d.hosts.Lock()
	defer d.hosts.Unlock()
	if h.guests--; h.guests > 0 {
		return
	}
	if d.host == h {
		d.host = nil
	}
	_ = h.conn.Close()
	go func() { _ = h.Stop(context.Background(), killTimeout) }()
}

func (d *Driver) newHost(namespace string) (*sidecarHost, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	theirs := os.NewFile(uintptr(fds[1]), "lifeline-host")
	defer theirs.Close()
	conn, err := lifeline.ConnOf(os.NewFile(uintptr(fds[0]), "lifeline-host"))
	if err != nil {
		return nil, err
	}
	p := &pod{d: d, spec: podspec.Pod{Name: "istio-proxies", Namespace: namespace, Workload: "istio-proxies"}}
	c := &container{
		pod: p, spec: podspec.Container{Name: workload.SidecarName, Mesh: true}, builtin: workload.SidecarName, control: theirs,
		marker: newMarker(), listening: make(chan struct{}), reports: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if err := c.start(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	h := &sidecarHost{container: c, conn: conn}
	go h.readWords()
	return h, nil
}

// readWords reads what the host writes until its end, and keeps the last line.
func (h *sidecarHost) readWords() {
	const most = 4 << 10
	var last []byte
	buf := make([]byte, most)
	for {
		n, err := h.out.Read(buf)
		last = append(last, buf[:n]...)
		last = last[max(0, len(last)-most):]
		lines := bytes.Split(bytes.TrimSpace(last), []byte("\n"))
		words := string(lines[len(lines)-1])
		h.words.Store(&words)
		if err != nil {
			_ = h.out.Close()
			return
		}
	}
}

// wait notes the end of the guest, or of its host.
func (g *guest) wait() {
	g.readReports() // until the guest closes its end
	_ = g.down.Close()
	_ = g.out.SetReadDeadline(time.Now().Add(outputDelay))
	exit := workload.Exit{}
	switch {
	case g.killed.Load():
		exit.Signal = int(syscall.SIGKILL)
		exit.Code = 128 + exit.Signal
	case !g.stopped.Load():
		exit = g.unasked()
	}
	g.mu.Lock()
	g.exit = exit
	g.mu.Unlock()
	g.pod.d.leaveHost(g.host)
	close(g.done)
}

// unasked is the exit of a guest that ended without being asked to: by an error of its own, or with its host.
func (g *guest) unasked() workload.Exit {
	g.mu.Lock()
	fatal := g.fatal
	g.mu.Unlock()
	if fatal != "" {
		return workload.Exit{Code: 1, Message: fatal}
	}
	timer := time.NewTimer(killTimeout)
	defer timer.Stop()
	select {
	case <-g.host.done:
	case <-timer.C:
		return workload.Exit{}
	}
	exit := g.host.Exit()
	exit.Message = "the process of all sidecars ended"
	if words := g.host.words.Load(); words != nil && *words != "" {
		exit.Message += ": " + *words
	}
	return exit
}

// ID implements workload.Meter: the process is that of all sidecars.
func (g *guest) ID() string { return g.host.ID() }

// Memory implements workload.Meter: a sidecar has its share of the process.
func (g *guest) Memory() int64 {
	all := g.host.Memory()
	g.pod.d.hosts.Lock()
	defer g.pod.d.hosts.Unlock()
	return all / int64(max(1, g.host.guests))
}

// ProcessorTime implements workload.Meter. A sidecar has its share of what the process used since this was read last, so that
// the sum only grows, also where others start and end.
func (g *guest) ProcessorTime() (float64, bool) {
	all, ok := g.host.ProcessorTime()
	g.pod.d.hosts.Lock()
	defer g.pod.d.hosts.Unlock()
	if g.hostTime > 0 {
		g.share += max(0, all-g.hostTime) / float64(max(1, g.host.guests))
	}
	g.hostTime = all
	return g.share, ok
}

// Stop implements workload.Process.
func (g *guest) Stop(ctx context.Context, grace time.Duration) error {
	g.stopped.Store(true)
	_ = lifeline.SendTask(g.host.conn, lifeline.Task{ID: g.marker, Stop: true}) // a host that is gone has ended it
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-g.done:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	_ = g.Kill()
	kill := time.NewTimer(killTimeout)
	defer kill.Stop()
	select {
	case <-g.done:
		return nil
	case <-kill.C:
		return fmt.Errorf("stop %s: it outlived the end of its lifeline", g.label())
	}
}

// Kill implements workload.Process: a sidecar that reads the end of its lifeline ends without another word.
func (g *guest) Kill() error {
	g.killed.Store(true)
	return g.down.Close()
}

// Pause implements workload.Pauser.
func (g *guest) Pause() error {
	return fmt.Errorf("pause %s: it shares its process with all sidecars", g.label())
}

// Resume implements workload.Pauser.
func (g *guest) Resume() error { return nil }
