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

// leaveGrace is how long a daemon that has stopped its services may take to leave.
const leaveGrace = 10 * time.Second

type downOptions struct {
	ios         *iostreams.IO
	dir         func() (rundir.Dir, error)
	getenv      func(string) string
	takeSignals func() (signals <-chan os.Signal, release func())
	now         bool
	all         bool
}

func NewDownCmd(f *cmdutil.Factory) *cobra.Command {
	o := &downOptions{ios: f.IO, dir: f.Dir, getenv: f.Getenv, takeSignals: f.TakeSignals}
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop the shop",
		Long: `Stop the services in the reverse of the order in which they started, then the daemon. Ctrl+C lists who is still
alive, and a second one kills them. A shop that is not running is fine: what a crash left behind is cleaned up.`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().BoolVar(&o.now, "now", false, "kill instead of letting calls in flight finish")
	cmd.Flags().BoolVar(&o.all, "all", false, "stop the shops of every name")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitInterrupted)
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
	o.ios.Notef("shop %s is down", dir.Name)
	return nil
}

// clean puts away what a daemon left behind that did not end by itself.
func (o *downOptions) clean(ctx context.Context, dir rundir.Dir) error {
	if pid, alive := dir.Holder(); alive {
		return cmdutil.HintErr(cmdutil.ExitFailed, fmt.Sprintf("kill %d", pid), fmt.Errorf("stop shop %q: its daemon (pid %d) is starting or does not answer", dir.Name, pid))
	}
	ended, err := dir.Clean(ctx, 2*time.Second)
	if err != nil {
		return fmt.Errorf("clean up shop %q: %w", dir.Name, err)
	}
	if len(ended) > 0 {
		o.ios.Notef("ended %d processes that a dead daemon had left behind", len(ended))
	}
	o.ios.Notef("shop %s is not running", dir.Name)
	return nil
}

// waitGone waits until the daemon has let go of its lock; another one may have taken it since.
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
			return cmdutil.HintErr(cmdutil.ExitFailed, fmt.Sprintf("kill -9 %d", pid), fmt.Errorf("stop shop %q: the daemon (pid %d) has not left after %s", dir.Name, pid, humanize.Span(leaveGrace)))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// shutdown asks the daemon to stop everything and shows each step. The first signal lists who is
// still alive, the second kills them.
func shutdown(ctx context.Context, ios *iostreams.IO, shop *control.Client, signals <-chan os.Signal, now bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	steps := make(chan *controlpb.ShutdownProgress)
	result := make(chan error, 2) // one for each stream
	go func() { result <- receiveShutdown(ctx, shop, now, steps) }()
	var alive []string
	told := map[string]bool{} // the second stream tells some steps again
	for pressed := 0; ; {
		select {
		case step := <-steps:
			alive = step.GetAlive()
			if line := step.GetState() + " " + step.GetService(); step.GetService() != "" && step.GetState() != "stopping" && !told[line] {
				told[line] = true
				ios.Notef("%s", line)
			}
		case err := <-result:
			return err
		case <-signals:
			pressed++
			switch pressed {
			case 1:
				ios.Warnf("still alive: %s; Ctrl+C again kills them", strings.Join(alive, ", "))
			case 2:
				go func() { result <- receiveShutdown(ctx, shop, true, steps) }()
			}
		}
	}
}

// receiveShutdown passes the daemon's steps on until the last. A daemon that hangs up has gone.
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
