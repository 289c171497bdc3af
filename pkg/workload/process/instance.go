package process

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/workload"
)

// instance is one process group. Its mutex guards what is below it; sends has one of its own, so that
// a full pipe holds up nothing but the next message.
type instance struct {
	d         *Driver
	spec      workload.Spec
	cmd       *exec.Cmd
	pgid      int
	listening chan struct{}
	done      chan struct{}
	out       sync.WaitGroup

	sends sync.Mutex
	down  *os.File

	mu     sync.Mutex
	addr   string
	admin  string
	fatal  string
	exit   workload.Exit
	paused *pauseGuard
}

func (in *instance) start() error {
	log, err := in.d.c.OpenLog(in.spec)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	p, err := newPipes()
	if err != nil {
		_ = log.Close()
		return err
	}
	in.cmd = in.d.command(in.spec, p)
	err = in.cmd.Start()
	p.closeChild()
	if err != nil {
		p.closeOurs()
		_ = log.Close()
		return err
	}
	in.pgid, in.down = in.cmd.Process.Pid, p.down
	in.out.Go(func() {
		copyLines(log, p.out)
		_ = p.out.Close()
		_ = log.Close()
	})
	reports := make(chan struct{})
	go func() {
		defer close(reports)
		in.hear(p.up)
	}()
	if len(in.spec.Command) > 0 {
		go in.awaitPort()
	}
	go in.wait(reports)
	return nil
}

// hear takes the instance's reports until it closes its end.
func (in *instance) hear(up *os.File) {
	defer up.Close()
	// What a broken report says is lost, and the instance never counts as listening: its probe fails.
	_ = lifeline.Read(up, func(m lifeline.Up) {
		if m.Fatal != "" {
			in.mu.Lock()
			in.fatal = m.Fatal
			in.mu.Unlock()
		}
		if m.Listening != nil {
			in.listens(m.Listening.Addr, m.Listening.Admin)
		}
	})
}

// listens notes where the instance listens; what is noted first holds.
func (in *instance) listens(addr, admin string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.addr == "" {
		in.addr, in.admin = addr, admin
		close(in.listening)
	}
}

// awaitPort notices that a command which reports nothing listens on the port it was given.
func (in *instance) awaitPort() {
	addr := fmt.Sprintf("127.0.0.1:%d", in.spec.Port)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			_ = conn.Close()
			in.listens(addr, "")
			return
		}
		select {
		case <-in.done:
			return
		case <-time.After(pause):
		}
	}
}

// wait reaps the leader, ends what is left of its group, and tells that all is over.
func (in *instance) wait(reports <-chan struct{}) {
	_ = in.cmd.Wait() // the state holds what there is to know
	endGroup(in.pgid)
	in.sends.Lock()
	_ = in.down.Close()
	in.sends.Unlock()
	<-reports
	in.out.Wait()
	in.mu.Lock()
	in.exit = workload.Exit{Time: time.Now(), Code: in.cmd.ProcessState.ExitCode(), Reason: in.fatal}
	if ws, ok := in.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		in.exit.Signal = ws.Signal()
	}
	guard := in.paused
	in.paused = nil
	in.mu.Unlock()
	guard.release()
	close(in.done)
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

func (in *instance) Spec() workload.Spec { return in.spec }

func (in *instance) PID() int { return in.pgid }

func (in *instance) Listening() <-chan struct{} { return in.listening }

func (in *instance) Addr() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.addr
}

func (in *instance) Admin() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.admin
}

// sendTimeout bounds how long a message may wait for an instance that does not read: a paused one.
const sendTimeout = time.Second

func (in *instance) Send(m lifeline.Down) error {
	if len(in.spec.Command) > 0 {
		return ErrNoLifeline
	}
	in.sends.Lock()
	defer in.sends.Unlock()
	if err := in.down.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return fmt.Errorf("send to %s: %w", in.spec.Name, err)
	}
	if err := lifeline.Write(in.down, m); err != nil {
		return fmt.Errorf("send to %s: %w", in.spec.Name, err)
	}
	return nil
}

func (in *instance) Done() <-chan struct{} { return in.done }

func (in *instance) Exit() workload.Exit {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.exit
}

func (in *instance) Stop(ctx context.Context, grace time.Duration) error {
	_ = in.Signal(syscall.SIGTERM)
	_ = in.Signal(syscall.SIGCONT) // a paused group cannot hear
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-in.done:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	_ = in.Signal(syscall.SIGKILL)
	kill := time.NewTimer(emptyTimeout)
	defer kill.Stop()
	select {
	case <-in.done:
		return nil
	case <-kill.C:
		return fmt.Errorf("stop %s: process group %d outlived SIGKILL", in.spec.Name, in.pgid)
	}
}

func (in *instance) Signal(sig syscall.Signal) error {
	select {
	case <-in.done:
		return os.ErrProcessDone
	default:
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if sig == syscall.SIGSTOP && in.paused == nil {
		guard, err := in.d.guardPaused(in.pgid)
		if err != nil {
			return fmt.Errorf("pause %s: %w", in.spec.Name, err)
		}
		in.paused = guard
	}
	if err := syscall.Kill(-in.pgid, sig); err != nil {
		return fmt.Errorf("signal %s: %w", in.spec.Name, err)
	}
	if sig == syscall.SIGCONT {
		in.paused.release()
		in.paused = nil
	}
	return nil
}

func (in *instance) MemoryBytes() int64 { return privateMemory(in.pgid) }
