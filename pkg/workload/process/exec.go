package process

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// Exec implements workload.Execer. The command and what it starts are killed when ctx ends.
func (c *container) Exec(ctx context.Context, command []string) ([]byte, error) {
	args := make([]string, len(command))
	for i, arg := range command {
		args[i] = rewritePaths(arg, c.mounts)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = c.dir
	cmd.Env = slices.DeleteFunc(slices.Clone(c.cmd.Env), func(kv string) bool { return strings.HasPrefix(kv, lifeline.Env+"=") })
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd.CombinedOutput()
}
