package process

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// container is one run of a container: a process group. Its mutex guards what is below it; sends has one of its own, so
// that a full pipe holds up nothing but the next message.
type container struct {
	pod  *pod
	spec podspec.Container
	// What runs: a built-in service, or a command in a directory, with its environment and its port; 0: the
	// kernel gives a built-in one.
	builtin   string
	command   []string
	dir       string
	env       []string
	mounts    []mountDir
	port      int
	cmd       *exec.Cmd
	pgid      int
	out       *os.File
	listening chan struct{}
	done      chan struct{}

	sends sync.Mutex
	down  *os.File

	mu     sync.Mutex
	addr   string
	admin  string
	fatal  string
	exit   workload.Exit
	paused *pauseGuard
}

func (c *container) start() error {
	p, err := newPipes()
	if err != nil {
		return err
	}
	c.cmd = c.newCommand(p)
	if c.builtin != "" {
		err = startWithSlack(c.cmd)
	} else {
		err = c.cmd.Start()
	}
	p.closeChild()
	if err != nil {
		p.closeOurs()
		return err
	}
	c.pgid, c.down, c.out = c.cmd.Process.Pid, p.down, p.out
	c.pod.d.enter(c)
	reports := make(chan struct{})
	go func() {
		defer close(reports)
		c.readReports(p.up)
	}()
	if c.spec.Listens && c.builtin == "" {
		go c.awaitPort()
	}
	go c.wait(reports)
	return nil
}

// readReports reads the container's reports until it closes its end.
func (c *container) readReports(up *os.File) {
	defer up.Close()
	// A broken report is lost, and the container never counts as listening: its probe fails.
	_ = lifeline.Read(up, func(m lifeline.Up) {
		if m.Fatal != "" {
			c.mu.Lock()
			c.fatal = m.Fatal
			c.mu.Unlock()
		}
		if m.Listening != nil {
			c.listens(m.Listening.Addr, m.Listening.Admin)
		}
	})
}

// listens notes where the container listens; the first report holds.
func (c *container) listens(addr, admin string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.addr == "" {
		c.addr, c.admin = addr, admin
		close(c.listening)
	}
}

// awaitPort waits until a command, which reports nothing, listens on the port that it was given.
func (c *container) awaitPort() {
	addr := fmt.Sprintf("127.0.0.1:%d", c.port)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			_ = conn.Close()
			c.listens(addr, "")
			return
		}
		select {
		case <-c.done:
			return
		case <-time.After(pause):
		}
	}
}

// wait reaps the leader and ends the rest of its group.
func (c *container) wait(reports <-chan struct{}) {
	_ = c.cmd.Wait() // the state holds what there is to know
	endGroup(c.pgid)
	c.sends.Lock()
	_ = c.down.Close()
	c.sends.Unlock()
	<-reports
	c.mu.Lock()
	c.exit = workload.Exit{Code: c.cmd.ProcessState.ExitCode(), Message: c.fatal}
	if ws, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		c.exit.Signal = int(ws.Signal())
		c.exit.Code = 128 + c.exit.Signal
	}
	guard := c.paused
	c.paused = nil
	c.mu.Unlock()
	guard.release()
	c.pod.d.strike(c)
	close(c.done)
}

// emptyTimeout bounds the wait for a killed group to be empty.
const emptyTimeout = 2 * time.Second

// endGroup kills what the leader left behind and waits until it is gone.
func endGroup(pgid int) {
	deadline := time.Now().Add(emptyTimeout)
	for syscall.Kill(-pgid, syscall.SIGKILL) == nil && groupLives(pgid) && time.Now().Before(deadline) {
		time.Sleep(2 * time.Millisecond)
	}
}

func (c *container) ID() string { return id(c.pgid) }

func (c *container) Logs() io.ReadCloser { return c.out }

func (c *container) Listening() <-chan struct{} { return c.listening }

func (c *container) Addrs() workload.Addrs {
	c.mu.Lock()
	defer c.mu.Unlock()
	return workload.Addrs{App: c.addr, Peer: c.addr, Admin: c.admin}
}

// sendTimeout bounds how long a message may wait for a container that does not read: a paused one.
const sendTimeout = time.Second

func (c *container) Send(m lifeline.Down) error {
	if c.builtin == "" {
		return workload.ErrNoLifeline
	}
	c.sends.Lock()
	defer c.sends.Unlock()
	if err := c.down.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return fmt.Errorf("send to %s: %w", c.label(), err)
	}
	if err := lifeline.Write(c.down, m); err != nil {
		return fmt.Errorf("send to %s: %w", c.label(), err)
	}
	return nil
}

func (c *container) Done() <-chan struct{} { return c.done }

func (c *container) Exit() workload.Exit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exit
}

func (c *container) Stop(ctx context.Context, grace time.Duration) error {
	_ = c.signal(syscall.SIGTERM)
	_ = c.Resume() // a paused group cannot act on the signal
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.done:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	_ = c.signal(syscall.SIGKILL)
	kill := time.NewTimer(emptyTimeout)
	defer kill.Stop()
	select {
	case <-c.done:
		return nil
	case <-kill.C:
		return fmt.Errorf("stop %s: process group %d outlived SIGKILL", c.label(), c.pgid)
	}
}

func (c *container) Kill() error {
	if err := c.signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill %s: %w", c.label(), err)
	}
	return nil
}

func (c *container) Pause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused == nil {
		guard, err := c.pod.d.guardPaused(c.pgid)
		if err != nil {
			return fmt.Errorf("pause %s: %w", c.label(), err)
		}
		c.paused = guard
	}
	if err := c.signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("pause %s: %w", c.label(), err)
	}
	return nil
}

func (c *container) Resume() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("resume %s: %w", c.label(), err)
	}
	c.paused.release()
	c.paused = nil
	return nil
}

// signal sends a signal to the whole group.
func (c *container) signal(sig syscall.Signal) error {
	select {
	case <-c.done:
		return os.ErrProcessDone
	default:
		return syscall.Kill(-c.pgid, sig)
	}
}

func (c *container) label() string { return c.pod.label(c.spec.Name) }

func (c *container) Stats() orchestrator.Stats {
	return orchestrator.Stats{MemoryBytes: privateMemory(c.pgid)}
}

// pipes are the ends of a container's pipes: child* are handed to it, the others stay here.
type pipes struct {
	childDown, childUp, childOut *os.File
	down, up, out                *os.File
}

func newPipes() (p pipes, err error) {
	for _, pair := range []struct{ r, w **os.File }{{&p.childDown, &p.down}, {&p.up, &p.childUp}, {&p.out, &p.childOut}} {
		if *pair.r, *pair.w, err = os.Pipe(); err != nil {
			p.closeChild()
			p.closeOurs()
			return p, err
		}
	}
	return p, nil
}

func (p pipes) closeChild() { closeAll(p.childDown, p.childUp, p.childOut) }

func (p pipes) closeOurs() { closeAll(p.down, p.up, p.out) }

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}
