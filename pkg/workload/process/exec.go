package process

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// maxExecOutput is how much of a command's output is kept, as by the kubelet for a probe.
const maxExecOutput = 10 << 10

// Exec implements workload.Execer. The command and its process group are killed when ctx ends. What it leaves running
// in the background ends with the container, as on Kubernetes.
func (c *container) Exec(ctx context.Context, command []string) ([]byte, error) {
	cmd := c.execCommand(ctx, command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out := &cappedBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it has succeeded, and something in the background holds its output
	}
	return out.b.Bytes(), err
}

// execCommand is a command with the container's environment. It leads a process group, which is killed when ctx ends.
func (c *container) execCommand(ctx context.Context, command []string) *exec.Cmd {
	c.execed.Store(true)
	args := make([]string, len(command))
	for i, arg := range command {
		args[i] = rewritePaths(arg, c.mounts)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = c.dir
	cmd.Env = slices.DeleteFunc(slices.Clone(c.cmd.Env), func(kv string) bool { return strings.HasPrefix(kv, lifeline.Env+"=") })
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = outputDelay
	return cmd
}

// execEnv marks everything that one command of Attach starts.
const execEnv = "SHOPCTL_EXEC"

// Attach implements workload.Attacher. However the command ends, all that it started is killed, on macOS its process group:
// unlike a container, nothing shows what would be left on this machine. When the daemon is killed, Linux kills the command.
func (c *container) Attach(ctx context.Context, command orchestrator.Command, started func()) (int, error) {
	id := rand.Text()
	cmd := c.execCommand(ctx, command.Args)
	cmd.Env = append(cmd.Env, execEnv+"="+id)
	cmd.Env = append(cmd.Env, missingFrom(cmd.Env, "PATH="+os.Getenv("PATH"))...)
	if command.TTY {
		cmd.Env = append(cmd.Env, missingFrom(cmd.Env, "TERM=xterm")...)
	}
	// The command dies with the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	run := runPiped
	if command.TTY {
		run = runOnTerminal
	}
	err := run(cmd, command, started)
	if cmd.Process != nil {
		endGroup(cmd.Process.Pid)
		endMarked(execEnv, id)
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return exitCode(cmd, err)
}

// missingFrom returns those of some variables that an environment does not set.
func missingFrom(environ []string, variables ...string) []string {
	return slices.DeleteFunc(variables, func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.ContainsFunc(environ, func(set string) bool { return strings.HasPrefix(set, name+"=") })
	})
}

// runPiped runs a command whose three streams are pipes.
func runPiped(cmd *exec.Cmd, command orchestrator.Command, started func()) error {
	cmd.SysProcAttr = dieWithStarter(&syscall.SysProcAttr{Setpgid: true})
	cmd.Stdout, cmd.Stderr = command.Stdout, command.Stderr
	var in io.WriteCloser
	if command.Stdin != nil {
		var err error
		if in, err = cmd.StdinPipe(); err != nil {
			return err
		}
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	started()
	if in != nil {
		// Not by cmd itself: it would wait for a read that waits.
		go func() {
			_, _ = io.Copy(in, command.Stdin) // a command need not read
			_ = in.Close()
		}()
	}
	return cmd.Wait()
}

// exitCode is how a command ended, or why it did not start.
func exitCode(cmd *exec.Cmd, err error) (int, error) {
	if cmd.ProcessState == nil {
		return 0, fmt.Errorf("unable to start the process: %w", err)
	}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}

// errSharedProcess is why no command runs in a sidecar that has no process of its own.
var errSharedProcess = errors.New("this sidecar shares a process with the others: run the command in another container of the instance")

// Attach implements workload.Attacher: there is nothing to run a command in.
func (g *guest) Attach(context.Context, orchestrator.Command, func()) (int, error) {
	return 0, errSharedProcess
}

// cappedBuffer keeps the beginning of what is written to it.
type cappedBuffer struct{ b bytes.Buffer }

func (c *cappedBuffer) Write(p []byte) (int, error) {
	c.b.Write(p[:min(len(p), maxExecOutput-c.b.Len())])
	return len(p), nil
}
