package shop

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// spawn starts the daemon, after removing the state with --reset.
func (o *upOptions) spawn(ctx context.Context, dir rundir.Dir) error {
	if o.reset {
		if err := forget(dir); err != nil {
			return err
		}
	}
	args := []string{"--name", dir.Name}
	if o.namespace() != "" {
		args = append(args, "--namespace", o.namespace())
	}
	return o.parts.Spawn(ctx, dir, append(args, o.daemon.Args()...))
}

// daemonExited is the error of a daemon that ended while its shop started.
func daemonExited(ios *iostreams.IO, dir rundir.Dir) error {
	if crash := rundir.Crash(dir.DaemonLog()); crash != "" {
		return cmdutil.HintErr(cmdutil.ExitFailed, "cat "+dir.DaemonLog(), fmt.Errorf("start the shop: the daemon has crashed: %s", crash))
	}
	return cmdutil.HintErr(cmdutil.ExitFailed, ios.Command("up"), errors.New("start the shop: the daemon has exited"))
}

// forget removes the state of a shop that is not running.
func forget(dir rundir.Dir) error {
	if err := dir.Create(); err != nil {
		return explainReset(err)
	}
	lock, err := dir.Lock()
	if err != nil {
		return fmt.Errorf("reset shop: %w", err)
	}
	defer lock.Release()
	if err := lock.Reset(); err != nil {
		return explainReset(err)
	}
	return nil
}

// explainReset adds what to do about a directory that cannot be used.
func explainReset(err error) error {
	hint := "shopctl doctor"
	var refused *rundir.RefusedError
	if errors.As(err, &refused) {
		hint = refused.Hint
	}
	return cmdutil.HintErr(cmdutil.ExitEnvironment, hint, fmt.Errorf("reset shop: %w", err))
}
