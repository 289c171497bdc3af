package shop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// leaveGrace is the time that a daemon gets to exit after it has stopped its services.
const leaveGrace = 10 * time.Second

type downOptions struct {
	ios         *iostreams.IO
	dir         func() (rundir.Dir, error)
	getenv      func(string) string
	takeSignals func() (signals <-chan os.Signal, release func())
	reclaim     Reclaim
	now         bool
	all         bool
}

// Reclaim removes the containers that the dead daemon of a shop left on an engine, and returns how many of them ran.
type Reclaim func(ctx context.Context, dir rundir.Dir) (int, error)

func NewDownCmd(f *cmdutil.Factory, reclaim Reclaim) *cobra.Command {
	o := &downOptions{ios: f.IO, dir: f.Dir, getenv: f.Getenv, takeSignals: f.TakeSignals, reclaim: reclaim}
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop the shop",
		Long: `Stop the services in the reverse of their start order, then the daemon. Ctrl+C lists the services that are still
running, and a second Ctrl+C kills them. It is not an error if the shop is not running: leftovers of a crash are cleaned
up.`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().BoolVar(&o.now, "now", false, "kill the services without waiting for calls in flight")
	cmd.Flags().BoolVar(&o.all, "all", false, "stop the shops of every name")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitEnvironment, cmdutil.ExitInterrupted)
}

func (o *downOptions) run(ctx context.Context) error {
	if !o.all {
		dir, err := o.dir()
		if err != nil {
			return err
		}
		return o.stop(ctx, dir)
	}
	dirs, err := rundir.List(o.getenv)
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range dirs {
		errs = append(errs, o.stop(ctx, dir))
	}
	return errors.Join(errs...)
}

func (o *downOptions) stop(ctx context.Context, dir rundir.Dir) error {
	signals, release := o.takeSignals()
	defer release()
	shop, err := control.Dial(dir)
	if errors.Is(err, control.ErrNotRunning) {
		return o.clean(ctx, dir)
	}
	if err != nil {
		return err
	}
	defer shop.Close()
	if err := shutdown(ctx, o.ios, shop, signals, o.now); err != nil {
		return err
	}
	if err := waitGone(ctx, dir); err != nil {
		return err
	}
	o.ios.Notef("shop %s is stopped", dir.Name)
	return nil
}

// clean removes what a crashed daemon left behind.
func (o *downOptions) clean(ctx context.Context, dir rundir.Dir) error {
	if pid, alive := dir.Holder(); alive {
		return cmdutil.HintErr(cmdutil.ExitFailed, fmt.Sprintf("kill %d", pid), fmt.Errorf("stop shop %q: its daemon (pid %d) is starting or not responding", dir.Name, pid))
	}
	containers, err := o.reclaim(ctx, dir)
	if err != nil {
		return err
	}
	if containers > 0 {
		o.ios.Notef("removed %d containers left behind by a crashed daemon", containers)
	}
	ended, err := dir.Clean(ctx, 2*time.Second)
	var refused *rundir.RefusedError
	if errors.As(err, &refused) {
		return cmdutil.HintErr(cmdutil.ExitEnvironment, refused.Hint, fmt.Errorf("clean up shop %q: %w", dir.Name, err))
	}
	if err != nil {
		return fmt.Errorf("clean up shop %q: %w", dir.Name, err)
	}
	if len(ended) > 0 {
		o.ios.Notef("stopped %d processes left behind by a crashed daemon", len(ended))
	}
	o.ios.Notef("shop %s is not running", dir.Name)
	return nil
}

// waitGone waits until the daemon has released its lock; another daemon may have taken it since.
func waitGone(ctx context.Context, dir rundir.Dir) error {
	deadline := time.NewTimer(leaveGrace)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for first := 0; ; {
		pid, alive := dir.Holder()
		if !alive || first != 0 && pid != first {
			return nil
		}
		first = pid
		select {
		case <-tick.C:
		case <-deadline.C:
			return cmdutil.HintErr(cmdutil.ExitFailed, fmt.Sprintf("kill -9 %d", pid), fmt.Errorf("stop shop %q: the daemon (pid %d) has not exited after %s", dir.Name, pid, humanize.Span(leaveGrace)))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// shutdown has the daemon stop everything and shows each step. The first signal lists the services
// that are still running, the second kills them.
func shutdown(ctx context.Context, ios *iostreams.IO, shop *control.Client, signals <-chan os.Signal, now bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	steps := make(chan *controlpb.ShutdownProgress)
	result := make(chan error, 2) // one for each stream
	go func() { result <- receiveShutdown(ctx, shop, now, steps) }()
	var alive []string
	reported := map[string]bool{} // the second stream repeats some steps
	for pressed := 0; ; {
		select {
		case step := <-steps:
			alive = step.GetAlive()
			if line := step.GetState() + " " + step.GetService(); step.GetService() != "" && step.GetState() != "stopping" && !reported[line] {
				reported[line] = true
				ios.Notef("%s", line)
			}
		case err := <-result:
			return err
		case <-signals:
			pressed++
			switch pressed {
			case 1:
				ios.Warnf("still running: %s; press Ctrl+C again to kill them", strings.Join(alive, ", "))
			case 2:
				go func() { result <- receiveShutdown(ctx, shop, true, steps) }()
			}
		}
	}
}

// receiveShutdown forwards the daemon's steps until the last. A daemon that closes the connection has exited.
func receiveShutdown(ctx context.Context, shop *control.Client, now bool, steps chan<- *controlpb.ShutdownProgress) error {
	stream, err := shop.Shutdown(ctx, &controlpb.ShutdownRequest{Now: now})
	if err != nil {
		return err
	}
	for {
		step, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF), status.Code(err) == codes.Unavailable:
			return nil
		case err != nil:
			return err
		}
		select {
		case steps <- step:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
