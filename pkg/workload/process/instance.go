package process

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// container is one run of a container: a process group. Its mutex guards what is below it; sends is one of its own, so
// that a full pipe holds up nothing but the next message.
type container struct {
	pod  *pod
	spec podspec.Container
	// What runs: a built-in service, or a command in a directory, with its environment and its port; 0: the
	// kernel gives a built-in one.
	builtin string
	command []string
	dir     string
	env     []string
	mounts  []mountDir
	port    int
	cmd     *exec.Cmd
	pgid    int
	marker  string
	up, out *os.File
	// control is the socket of a process that runs all sidecars; nil for others.
	control *os.File
	// execed: a command was run in it, which may have left something running.
	execed    atomic.Bool
	listening chan struct{}
	reports   chan struct{}
	done      chan struct{}

	sends sync.Mutex
	down  *os.File

	mu    sync.Mutex
	addr  string
	admin string
	fatal string
	// listeners are those of a sidecar.
	listeners map[string]string
	// proxy is a sidecar's state.
	proxy lifeline.Proxy
	// outOfMemory is how far it exceeded its memory limit; empty if it did not.
	outOfMemory string
	exit        workload.Exit
	paused      *pauseGuard
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
	c.pgid, c.down, c.up, c.out = c.cmd.Process.Pid, p.down, p.up, p.out
	c.pod.d.enter(c)
	reports := make(chan struct{})
	go func() {
		defer close(reports)
		c.readReports()
	}()
	if c.spec.Listens && c.builtin == "" {
		go c.awaitPort()
	}
	if limit := c.spec.MemoryLimit(); limit > 0 && limitsMemory {
		go c.watchMemory(limit)
	}
	go c.wait(reports)
	return nil
}

// readReports reads the container's reports until it closes its end.
func (c *container) readReports() {
	defer c.up.Close()
	// A broken report is lost, and the container never counts as listening: its probe fails.
	_ = lifeline.Read(c.up, func(m lifeline.Up) {
		if m.Fatal != "" {
			c.mu.Lock()
			c.fatal = m.Fatal
			c.mu.Unlock()
		}
		if m.Listeners != nil || m.Proxy != nil {
			c.mu.Lock()
			if m.Listeners != nil {
				c.listeners = *m.Listeners
			}
			if m.Proxy != nil {
				c.proxy = *m.Proxy
			}
			c.mu.Unlock()
			select {
			case c.reports <- struct{}{}:
			default:
			}
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

// outputDelay is how long the output of a container may stay open after its end. A process that holds it then has left
// the container and could not be ended.
const outputDelay = time.Second

// wait reaps the leader and ends the rest of its group, and what has left the group.
func (c *container) wait(reports <-chan struct{}) {
	_ = c.cmd.Wait() // the state holds what there is to know
	endGroup(c.pgid)
	if c.builtin == "" || c.execed.Load() {
		endMarked(MarkerEnv, c.marker)
	}
	_ = c.down.Close() // ends a Send that waits
	late := time.Now().Add(outputDelay)
	_ = c.up.SetReadDeadline(late)
	_ = c.out.SetReadDeadline(late)
	<-reports
	c.mu.Lock()
	c.exit = workload.Exit{Code: c.cmd.ProcessState.ExitCode(), Message: c.fatal}
	if ws, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		c.exit.Signal = int(ws.Signal())
		c.exit.Code = 128 + c.exit.Signal
	}
	if c.outOfMemory != "" {
		c.exit.Reason, c.exit.Message = workload.OOMKilled, c.outOfMemory
	}
	guard := c.paused
	c.paused = nil
	c.mu.Unlock()
	guard.release()
	c.pod.d.strike(c)
	close(c.done)
}

const (
	// emptyTimeout bounds the wait for killed processes to be gone.
	emptyTimeout = 2 * time.Second
	// killTimeout bounds the wait for the end of a container that was killed: its group, what has left the group,
	// and its pipes.
	killTimeout = 2*emptyTimeout + outputDelay + time.Second
)

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
	return workload.Addrs{App: c.addr, Peer: c.addr, Admin: c.admin, Listeners: c.listeners}
}

// Proxy implements workload.Listener.
func (c *container) Proxy() lifeline.Proxy {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proxy
}

// Reports implements workload.Listener.
func (c *container) Reports() <-chan struct{} { return c.reports }

func (c *container) Send(m lifeline.Down) error {
	if c.builtin == "" {
		return workload.ErrNoLifeline
	}
	c.sends.Lock()
	defer c.sends.Unlock()
	// No deadline: a message that does not fit into the pipe waits until the container reads, or ends. Half of one
	// would spoil the next.
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
	_ = c.kill()
	kill := time.NewTimer(killTimeout)
	defer kill.Stop()
	select {
	case <-c.done:
		return nil
	case <-kill.C:
	}
	if groupLives(c.pgid) {
		return fmt.Errorf("stop %s: process group %d outlived SIGKILL", c.label(), c.pgid)
	}
	return fmt.Errorf("stop %s: process group %d has ended, and its end was not noticed in %s", c.label(), c.pgid, killTimeout)
}

// kill kills a container. What a command started outside its group is killed before its guard, below which it is
// found; the guard is stopped meanwhile, so that it cannot exit with a code of its own.
func (c *container) kill() error {
	if c.builtin == "" && c.running() && syscall.Kill(c.pgid, syscall.SIGSTOP) == nil {
		endDescendants(c.pgid)
	}
	return c.signal(syscall.SIGKILL)
}

func (c *container) Kill() error {
	if err := c.kill(); err != nil {
		return fmt.Errorf("kill %s: %w", c.label(), err)
	}
	return nil
}

func (c *container) Pause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused == nil {
		guard, err := c.pod.d.guardPaused(c.pgid, c.marker)
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
	if !c.running() {
		return os.ErrProcessDone
	}
	return syscall.Kill(-c.pgid, sig)
}

func (c *container) running() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

func (c *container) label() string { return c.pod.label(c.spec.Name) }

// Memory and ProcessorTime implement workload.Meter.
func (c *container) Memory() int64 { return privateMemory(c.pgid) }

func (c *container) ProcessorTime() (float64, bool) { return processorTime(c.pgid) }
