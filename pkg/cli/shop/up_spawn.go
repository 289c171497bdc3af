package shop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// open connects to the daemon, and starts one if none is running. If another up is faster, its shop is this one's too.
func (o *upOptions) open(ctx context.Context, dir rundir.Dir) (*control.Client, error) {
	for deadline := time.Now().Add(o.timeout); ; {
		shop, err := o.tryOpen(ctx, dir)
		if err == nil || o.reset || ctx.Err() != nil || time.Now().After(deadline) {
			return shop, err
		}
		if _, alive := dir.Holder(); !alive || !errors.Is(err, errNotStarted) {
			return nil, err
		}
		select { // until the other daemon has opened its socket
		case <-time.After(watchInterval):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// errNotStarted is in the errors of a daemon that did not start.
var errNotStarted = errors.New("no daemon was started")

// notStarted marks an error as errNotStarted, without another text.
type notStarted struct{ error }

func (e notStarted) Unwrap() []error { return []error{e.error, errNotStarted} }

func (o *upOptions) tryOpen(ctx context.Context, dir rundir.Dir) (*control.Client, error) {
	shop, err := control.Dial(dir)
	switch {
	case errors.Is(err, control.ErrNotRunning):
	case err != nil:
		return nil, err
	default:
		staying, err := o.checkRunning(ctx, shop)
		if err == nil && staying {
			return shop, nil
		}
		shop.Close()
		if err != nil {
			return nil, err
		}
		if err := waitGone(ctx, dir); err != nil {
			return nil, err
		}
	}
	if err := o.spawn(ctx, dir); err != nil {
		return nil, notStarted{err}
	}
	if crash := rundir.Crash(dir.PreviousDaemonLog()); crash != "" {
		o.ios.Warnf("the daemon of the last run crashed: %s (its stack: %s)", crash, dir.PreviousDaemonLog())
	}
	return control.Dial(dir)
}

// spawn starts the daemon, after removing the state with --reset.
func (o *upOptions) spawn(ctx context.Context, dir rundir.Dir) error {
	if o.reset {
		if err := forget(dir); err != nil {
			return err
		}
	}
	if o.parts.Prepare != nil {
		if err := o.parts.Prepare(ctx, o.daemon.Driver); err != nil {
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
