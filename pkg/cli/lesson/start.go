package lesson

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
)

// connect connects to the shop. On a terminal it offers to start one that is not running: who types a lesson's name first
// means to take it.
func (o *lessonOptions) connect(ctx context.Context) (*control.Client, error) {
	shop, err := o.F.Shop(ctx)
	if !errors.Is(err, control.ErrNotRunning) || o.json || !o.F.IO.InTTY || !o.F.IO.ErrTTY {
		return shop, err
	}
	fmt.Fprintf(o.F.IO.Err, "The shop %q is not running. Start it now? [Y/n] ", o.F.IO.ShopName)
	answer, readErr := bufio.NewReader(o.F.IO.In).ReadString('\n')
	if readErr != nil || !slices.Contains([]string{"", "y", "yes"}, strings.ToLower(strings.TrimSpace(answer))) {
		return nil, err
	}
	if err := o.startShop(ctx); err != nil {
		return nil, err
	}
	return o.F.Shop(ctx)
}

// startShop runs up as the user would, with the configuration of the directory and its questions. Ctrl+C reaches it by the
// terminal.
func (o *lessonOptions) startShop(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, o.F.Executable, "--name", o.F.IO.ShopName, "--quiet", "up")
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = o.F.Environ, o.F.IO.In, o.F.IO.Err, o.F.IO.Err
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = killGrace
	if err := cmd.Run(); err != nil {
		return cmdutil.HintErr(cmdutil.ExitFailed, o.F.IO.Command("up"), fmt.Errorf("start shop %q: %w", o.F.IO.ShopName, err))
	}
	return nil
}
