package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/engine"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// container is one run of a container.
type container struct {
	pod  *pod
	box  *sandbox
	spec podspec.Container
	prog program
	run  *engine.Container

	logs      *io.PipeReader
	logged    *io.PipeWriter
	listening chan struct{}
	reports   chan struct{}
	done      chan struct{}
	sends     sync.Mutex // one message at a time

	mu    sync.Mutex
	addrs workload.Addrs
	fatal string
	proxy lifeline.Proxy
	exit  workload.Exit
}

func newContainer(p *pod, box *sandbox, spec podspec.Container, prog program) *container {
	c := &container{pod: p, box: box, spec: spec, prog: prog, listening: make(chan struct{}), reports: make(chan struct{}, 1), done: make(chan struct{})}
	c.logs, c.logged = io.Pipe()
	return c
}

// callTimeout bounds a call of the engine that is not a start or a stop.
const callTimeout = 10 * time.Second

func (c *container) start(ctx context.Context) error {
	spec, err := c.engineSpec()
	if err != nil {
		return err
	}
	if c.run, err = c.pod.d.c.Engine.Run(ctx, spec); err != nil {
		return err
	}
	demuxed := make(chan struct{})
	go func() {
		defer close(demuxed)
		_ = c.run.Demux(c.logged, &lineLog{log: c.readLine}) // an end without order is the engine's
	}()
	if c.spec.Listens && c.prog.builtin == "" {
		if port := portOf(&c.spec, c.prog); port != 0 {
			go c.awaitPort(port)
		}
	}
	go c.wait(demuxed)
	return nil
}

// readLine reads a line of standard error: a report of a built-in service, or output.
func (c *container) readLine(line string) {
	var m lifeline.Up
	if c.prog.builtin == "" || !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &m) != nil || m == (lifeline.Up{}) {
		_, _ = io.WriteString(c.logged, line+"\n") // after the end, none reads it
		return
	}
	if m.Fatal != "" {
		c.mu.Lock()
		c.fatal = m.Fatal
		c.mu.Unlock()
	}
	if m.Listeners != nil || m.Proxy != nil {
		c.report(m)
	}
	if m.Listening != nil {
		c.listens(m.Listening.Addr, m.Listening.Admin)
	}
}

// report notes what a sidecar reports.
func (c *container) report(m lifeline.Up) {
	c.mu.Lock()
	if m.Listeners != nil {
		c.addrs.Listeners = *m.Listeners
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

// listens notes where the container listens in its pod; the first report holds.
func (c *container) listens(addr, admin string) {
	addrs := workload.Addrs{Peer: c.inPod(addr)}
	var err error
	if addrs.App, err = c.box.forward(addrs.Peer); err == nil && admin != "" {
		addrs.Admin, err = c.box.forward(c.inPod(admin))
	}
	if err != nil { // it never counts as listening: its probe fails
		c.pod.d.c.Log.Warn("forward to container", "container", c.label(), "error", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.addrs.App == "" {
		addrs.Listeners = c.addrs.Listeners
		c.addrs = addrs
		close(c.listening)
	}
}

// AddrsOf implements workload.PortListener.
func (c *container) AddrsOf(port int32) (app, peer string) {
	peer = net.JoinHostPort(c.box.ip, strconv.Itoa(int(port)))
	app, err := c.box.forward(peer)
	if err != nil {
		c.pod.d.c.Log.Warn("forward to container", "container", c.label(), "error", err)
	}
	return app, peer
}

// inPod is an address of the container as other pods know it.
func (c *container) inPod(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return net.JoinHostPort(c.box.ip, port)
}

// awaitPort waits until a program that reports nothing listens at its port.
func (c *container) awaitPort(port int) {
	addr := net.JoinHostPort(c.box.ip, strconv.Itoa(port))
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err := c.box.tunnel.Dial(ctx, addr)
		cancel()
		if err == nil {
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

// outputDelay is how long the output of a container may stay open after its end.
const outputDelay = time.Second

// wait notes how the container ended, and removes it.
func (c *container) wait(demuxed <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	end := c.run.Wait(ctx)
	late := time.AfterFunc(outputDelay, c.run.Close)
	<-demuxed
	late.Stop()
	c.run.Close()
	_ = c.logged.Close()
	removing, cancelRemove := context.WithTimeout(ctx, callTimeout)
	defer cancelRemove()
	if err := c.run.Remove(removing); err != nil {
		c.pod.d.c.Log.Warn("container stays on the engine", "container", c.label(), "error", err)
	}
	c.mu.Lock()
	c.exit = c.exitOf(end)
	c.mu.Unlock()
	close(c.done)
}

func (c *container) exitOf(end engine.Ended) workload.Exit {
	exit := workload.Exit{Code: end.Code, Message: c.fatal}
	if end.Code > 128 && end.Code < 160 {
		exit.Signal = end.Code - 128
	}
	switch {
	case end.OutOfMemory:
		exit.Reason, exit.Message = workload.OOMKilled, fmt.Sprintf("its memory limit is %s", c.spec.Resources.Limits.Memory())
	case end.Err != nil && exit.Message == "":
		exit.Message = end.Err.Error()
	}
	return exit
}

func (c *container) ID() string { return "docker://" + c.run.Short() }

func (c *container) Logs() io.ReadCloser { return c.logs }

func (c *container) Listening() <-chan struct{} { return c.listening }

func (c *container) Addrs() workload.Addrs {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.addrs
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
	if c.prog.builtin == "" {
		return workload.ErrNoLifeline
	}
	c.sends.Lock()
	defer c.sends.Unlock()
	if err := lifeline.Write(c.run.Stdin, m); err != nil {
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

// killTimeout bounds the wait for the end of a container that was killed.
const killTimeout = 10 * time.Second

func (c *container) Stop(ctx context.Context, grace time.Duration) error {
	_ = c.Resume() // a frozen one cannot act on the signal
	err := c.run.Stop(ctx, grace)
	if err != nil && ctx.Err() != nil {
		err = c.Kill()
	}
	timer := time.NewTimer(killTimeout)
	defer timer.Stop()
	select {
	case <-c.done:
		return nil
	case <-timer.C:
	}
	return errors.Join(err, fmt.Errorf("stop %s: container %s has not ended after %s", c.label(), c.run.Short(), killTimeout))
}

func (c *container) Kill() error { return c.call("kill", c.run.Kill) }

func (c *container) Pause() error { return c.call("pause", c.run.Pause) }

func (c *container) Resume() error { return c.call("resume", c.run.Resume) }

// call has the engine do something with the container.
func (c *container) call(what string, do func(context.Context) error) error {
	select {
	case <-c.done:
		return fmt.Errorf("%s %s: %w", what, c.label(), os.ErrProcessDone)
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if err := do(ctx); err != nil {
		return fmt.Errorf("%s %s: %w", what, c.label(), err)
	}
	return nil
}

// maxExecOutput is how much of a command's output is kept, as by the kubelet for a probe.
const maxExecOutput = 10 << 10

// Exec implements workload.Execer. A command that runs when ctx ends goes on until the container ends.
func (c *container) Exec(ctx context.Context, command []string) ([]byte, error) {
	out := &limited{left: maxExecOutput}
	err := c.run.Exec(ctx, command, out)
	return out.text, err
}

// Attach implements workload.Attacher.
func (c *container) Attach(ctx context.Context, command orchestrator.Command, started func()) (int, error) {
	done := make(chan struct{})
	defer close(done)
	return c.run.Attach(ctx, engine.Command{
		Args: command.Args, Stdin: command.Stdin, Stdout: command.Stdout, Stderr: command.Stderr,
		TTY: command.TTY, Columns: command.Size.Columns, Rows: command.Size.Rows,
		Started: func(resize engine.Resizer) {
			started()
			go followSizes(ctx, command.Resize, resize, done)
		},
	})
}

// followSizes gives a terminal each size that comes until done. One that the engine refuses is lost: the next one counts.
func followSizes(ctx context.Context, sizes <-chan orchestrator.Size, resize engine.Resizer, done <-chan struct{}) {
	for {
		select {
		case size := <-sizes:
			_ = resize(ctx, size.Columns, size.Rows)
		case <-done:
			return
		}
	}
}

// limited keeps the beginning of what is written to it.
type limited struct {
	text []byte
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.text, l.left = append(l.text, p[:n]...), l.left-n
	return len(p), nil
}

func (c *container) label() string { return c.pod.label(c.spec.Name) }
