package process

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
)

// releaseWord makes a pause guard exit without ending anything.
const releaseWord = 'r'

// upDescriptor is where a container finds its end of the pipe for reports. A guard keeps it from its command, which
// would hold the pipe open.
const upDescriptor = 3

// Guard runs argv in the process group that the caller leads and returns its exit code, after ending what the
// command left behind. When the lifeline ends first, the daemon is gone: the whole group is killed, the caller
// included, and on Linux everything else that the command started.
//
// It implements "shopctl guard -- COMMAND". Signals to the group reach the command itself; the guard
// stays to reap it.
func Guard(down io.Reader, argv, environ []string, marker string, stdout *os.File) (int, error) {
	ignore := make(chan os.Signal, 1)
	signal.Notify(ignore, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(ignore)
	syscall.CloseOnExec(upDescriptor)
	_ = adoptOrphans() // without, those that keep the marker are found all the same

	// The command dies with the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = environ, stdout, stdout, dieWithStarter(&syscall.SysProcAttr{})
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start %s: %w", argv[0], err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, down)
		endDescendants(os.Getpid())
		endMarked(MarkerEnv, marker)
		_ = syscall.Kill(-syscall.Getpgrp(), syscall.SIGKILL)
	}()
	ws, err := reapUntil(cmd.Process.Pid)
	if err != nil {
		return 1, fmt.Errorf("wait for %s: %w", argv[0], err)
	}
	endDescendants(os.Getpid())
	if ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}

// reapUntil collects children, orphans that were adopted among them, until a process has ended.
func reapUntil(pid int) (syscall.WaitStatus, error) {
	for {
		var ws syscall.WaitStatus
		switch ended, err := syscall.Wait4(-1, &ws, 0, nil); {
		case err == syscall.EINTR:
		case err != nil:
			return ws, err
		case ended == pid:
			return ws, nil
		}
	}
}

// GuardPaused implements "shopctl guard --group PGID": it kills a paused process group, and what is below its leader
// or marked, when the lifeline ends without a release.
func GuardPaused(ctx context.Context, down io.Reader, pgid int, marker string) error {
	word := make(chan bool, 1)
	go func() {
		var b [1]byte
		n, _ := down.Read(b[:])
		word <- n == 1 && b[0] == releaseWord
	}()
	select {
	case released := <-word:
		if released {
			return nil
		}
		endDescendants(pgid)
		err := syscall.Kill(-pgid, syscall.SIGKILL)
		endMarked(MarkerEnv, marker)
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pauseGuard is the daemon's end of a running GuardPaused.
type pauseGuard struct {
	cmd  *exec.Cmd
	down *os.File
}

func (d *Driver) guardPaused(pgid int, marker string) (*pauseGuard, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(d.c.Executable, append(append([]string{}, d.c.Args...), "guard", "--group", strconv.Itoa(pgid))...)
	cmd.Stdin = r
	cmd.Env = append(append([]string{}, d.c.Environ...), MarkerEnv+"="+marker)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	_ = r.Close()
	if err != nil {
		_ = w.Close()
		return nil, err
	}
	return &pauseGuard{cmd, w}, nil
}

func (g *pauseGuard) release() {
	if g == nil {
		return
	}
	_, _ = g.down.Write([]byte{releaseWord})
	_ = g.down.Close()
	_ = g.cmd.Wait()
}
