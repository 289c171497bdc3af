package process

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// maxExecOutput is how much of a command's output is kept, as by the kubelet for a probe.
const maxExecOutput = 10 << 10

// Exec implements workload.Execer. The command and its process group are killed when ctx ends. What it leaves running
// in the background ends with the container, as on Kubernetes.
func (c *container) Exec(ctx context.Context, command []string) ([]byte, error) {
	c.execed.Store(true)
	args := make([]string, len(command))
	for i, arg := range command {
		args[i] = rewritePaths(arg, c.mounts)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = c.dir
	cmd.Env = slices.DeleteFunc(slices.Clone(c.cmd.Env), func(kv string) bool { return strings.HasPrefix(kv, lifeline.Env+"=") })
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = outputDelay
	out := &cappedBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it has succeeded, and something in the background holds its output
	}
	return out.b.Bytes(), err
}

// cappedBuffer keeps the beginning of what is written to it.
type cappedBuffer struct{ b bytes.Buffer }

func (c *cappedBuffer) Write(p []byte) (int, error) {
	c.b.Write(p[:min(len(p), maxExecOutput-c.b.Len())])
	return len(p), nil
}
