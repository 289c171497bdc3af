package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
)

// releaseWord makes a pause guard exit without ending anything.
const releaseWord = 'r'

// Guard runs argv in the process group that the caller leads and returns its exit code. When the
// lifeline ends first, the daemon is gone: the whole group is killed, the caller included.
//
// It implements "shopctl guard -- COMMAND". Signals to the group reach the command itself; the guard
// stays to reap it.
func Guard(down io.Reader, argv, environ []string, stdout io.Writer) (int, error) {
	ignore := make(chan os.Signal, 1)
	signal.Notify(ignore, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(ignore)

	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environ, stdout, stdout
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start %s: %w", argv[0], err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, down)
		_ = syscall.Kill(-syscall.Getpgrp(), syscall.SIGKILL)
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			return 128 + int(ws.Signal()), nil
		}
		return exit.ExitCode(), nil
	}
	return 0, err
}

// GuardPaused implements "shopctl guard --group PGID": it kills a paused process group when the
// lifeline ends without a release.
func GuardPaused(ctx context.Context, down io.Reader, pgid int) error {
	word := make(chan bool, 1)
	go func() {
		var b [1]byte
		n, _ := down.Read(b[:])
		word <- n == 1 && b[0] == releaseWord
	}()
	select {
	case released := <-word:
		if !released {
			return syscall.Kill(-pgid, syscall.SIGKILL)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pauseGuard is the daemon's end of a running GuardPaused.
type pauseGuard struct {
	cmd  *exec.Cmd
	down *os.File
}

func (d *Driver) guardPaused(pgid int) (*pauseGuard, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(d.c.Executable, append(append([]string{}, d.c.Args...), "guard", "--group", strconv.Itoa(pgid))...)
	cmd.Stdin = r
	cmd.Env = d.c.Environ
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
