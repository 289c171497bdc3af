// Package shop implements the commands that start, stop and inspect a shop as a whole.
package shop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

type upOptions struct {
	ios         *iostreams.IO
	namespace   func() string
	dir         func() (rundir.Dir, error)
	getenv      func(string) string
	takeSignals func() (signals <-chan os.Signal, release func())
	parts       UpParts
	format      string
	attach      bool
	wait        bool
	timeout     time.Duration
	daemon      cmdutil.DaemonFlags
	reset       bool
	// flagChanged reports whether a flag is on the command line; wasRunning is set if the shop was already running.
	flagChanged func(flag string) bool
	wasRunning  bool
}

// UpParts are functions of other groups of commands that up uses.
type UpParts struct {
	// Drivers are the values of --driver, with the default first.
	Drivers []string
	// Prepare makes ready what a driver needs before the daemon starts; nil: nothing is needed.
	Prepare func(ctx context.Context, driver string) error
	// Spawn starts the daemon of the shop in dir in the background, with args for its command.
	Spawn func(ctx context.Context, dir rundir.Dir, args []string) error
	// Logs prints new log lines until the shop stops.
	Logs func(ctx context.Context) error
	// SuggestNext prints commands to run next, followed by the next lesson.
	SuggestNext func(before ...string)
}

func NewUpCmd(f *cmdutil.Factory, parts UpParts) *cobra.Command {
	o := &upOptions{ios: f.IO, namespace: f.Namespace, dir: f.Dir, getenv: f.Getenv, takeSignals: f.TakeSignals, parts: parts}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the shop",
		Long: `Start the shop: a daemon in the background, which starts the services in dependency order. The command returns when all
services are ready, and prints the storefront's address. A shop that is already running is left unchanged.

With --monolith, the same services are modules of one process: one Deployment, which is scaled, restarted and crashes as
a whole. Each module keeps its name in call, logs and faults. The cart store and the load generator remain separate.`,
		Example: `shopctl up
shopctl up -v --only catalog,currency
shopctl up --name second --port 8081
shopctl up --name mono --monolith`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.flagChanged = cmd.Flags().Changed
			return o.run(cmd.Context())
		},
	}
	o.daemon.Add(cmd, parts.Drivers)
	flags := cmd.Flags()
	flags.BoolVar(&o.attach, "attach", false, "stay in the foreground, print logs, and stop the shop on Ctrl+C")
	flags.BoolVar(&o.wait, "wait", true, "wait until all services are ready; =false returns as soon as the daemon is running")
	flags.DurationVar(&o.timeout, "timeout", time.Minute, "maximum time to wait for the services")
	cmdutil.LimitTime(cmd, "timeout", 1, "2m")
	flags.BoolVar(&o.reset, "reset", false, "delete all changes, stored data (carts, orders, mails) and logs of earlier runs first")
	cmdutil.RenameFlags(cmd, map[string]string{"fresh": "reset"})
	cmdutil.AddOutput(cmd, &o.format)
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("only", cmdutil.CompleteServices(f)))
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitInconclusive, cmdutil.ExitEnvironment, cmdutil.ExitInterrupted)
}

func (o *upOptions) run(ctx context.Context) error {
	if err := o.check(ctx); err != nil {
		return err
	}
	dir, err := o.dir()
	if err != nil {
		return err
	}
	shop, err := o.open(ctx, dir)
	if err != nil {
		return err
	}
	defer shop.Close()
	if o.attach {
		return o.attachAndWait(ctx, shop, dir)
	}
	err = o.show(ctx, shop, dir)
	if err != nil && ctx.Err() != nil {
		o.ios.Notef("the shop is still starting; to stop it: %s", o.ios.Command("down"))
	}
	return err
}

// show waits for the services, unless --wait=false, and prints them.
func (o *upOptions) show(ctx context.Context, shop *control.Client, dir rundir.Dir) error {
	if o.wait {
		if err := o.follow(ctx, shop, dir); err != nil {
			return err
		}
	}
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	return o.summary(st)
}

// checkRunning reports a running shop and the flags that have no effect on it, and refuses flags that would need a new
// one. It returns false for a shop that is stopping.
func (o *upOptions) checkRunning(ctx context.Context, shop *control.Client) (staying bool, err error) {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	switch {
	case status.Code(err) == codes.Unavailable && !explained(err):
		return false, nil
	case err != nil:
		return false, err
	case st.GetGoingDown():
		o.ios.Notef("shop %s is stopping; starting it again afterwards", st.GetName())
		return false, nil
	case o.reset:
		return false, cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("down")+" && "+o.ios.Command("up --reset"),
			fmt.Errorf("reset shop: shop %q is already running (pid %d)", st.GetName(), st.GetPid()))
	}
	if err := o.checkMode(st); err != nil {
		return false, err
	}
	o.wasRunning = true
	o.ios.Notef("shop %s is already running (pid %d)", st.GetName(), st.GetPid())
	var late []string
	for _, flag := range []string{"only", "port", "port-base", "prometheus-port", "namespace", "otlp-forward", "redis"} {
		if o.flagChanged(flag) {
			late = append(late, "--"+flag)
		}
	}
	if len(late) > 0 {
		o.ios.Warnf("%s: no effect on a running shop", strings.Join(late, ", "))
	}
	return true, nil
}

// explained reports whether an error says what to do: the daemon is not on its way out, but stopped.
func explained(err error) bool {
	_, _, ok := control.HintOf(err)
	return ok
}

// checkMode refuses --monolith for a running shop of separate processes, and the reverse, and another driver.
func (o *upOptions) checkMode(st *controlpb.StatusResponse) error {
	switch {
	case o.flagChanged("driver") && st.GetDriver() != o.daemon.Driver:
		return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("down")+" && "+o.ios.Command("up --driver "+o.daemon.Driver),
			fmt.Errorf("start shop %q with driver %s: it is already running with driver %s", st.GetName(), o.daemon.Driver, st.GetDriver()))
	case o.daemon.Monolith && !st.GetMonolith():
		return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl --name mono up --monolith",
			fmt.Errorf("start shop %q as a monolith: it is already running with a process per service", st.GetName()))
	case !o.daemon.Monolith && st.GetMonolith():
		return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("down")+" && "+o.ios.Command("up"),
			fmt.Errorf("start shop %q with a process per service: it is already running as a monolith", st.GetName()))
	}
	return nil
}

// follow shows the progress until every service is ready, for at most the timeout.
func (o *upOptions) follow(ctx context.Context, shop *control.Client, dir rundir.Dir) error {
	bounded, cancel := cmdutil.Within(ctx, o.timeout)
	defer cancel()
	err := o.watch(bounded, shop)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case cmdutil.TimedOut(bounded, err):
		return cmdutil.HintErr(cmdutil.ExitInconclusive, o.ios.Command("ps"), fmt.Errorf("start the shop: not ready after %s", humanize.Span(o.timeout)))
	case status.Code(err) == codes.Unavailable, errors.Is(err, io.EOF):
		return daemonExited(o.ios, dir)
	}
	return err
}

// watchInterval is how late up may notice that the shop is ready.
const watchInterval = 10 * time.Millisecond

func (o *upOptions) watch(ctx context.Context, shop *control.Client) error {
	stream, err := shop.Watch(ctx, &controlpb.WatchRequest{Interval: durationpb.New(watchInterval)})
	if err != nil {
		return err
	}
	p := newProgress(o.ios, o.getenv)
	defer p.clear()
	for {
		st, err := stream.Recv()
		if err != nil {
			return err
		}
		if st.GetReady() && o.wasRunning {
			return nil // it was ready before
		}
		p.show(st)
		if st.GetReady() {
			return nil
		}
		for _, s := range st.GetServices() {
			if err := cmdutil.Crashed(st.GetServices(), s.GetWorkload()); err != nil {
				return err
			}
		}
		if err := unable(st.GetServices()); err != nil {
			return err
		}
	}
}

// unable returns an error for services that cannot start at all, once there is nothing else to wait for.
func unable(services []*controlpb.Service) error {
	var reasons []string
	for _, s := range services {
		switch {
		case s.GetState() == "ok" || s.GetState() == "stopped" || s.GetState() == "paused":
		case s.GetState() == "unhealthy" && len(s.GetInstances()) == 0:
			reasons = append(reasons, s.GetName()+": "+s.GetMessage())
		default:
			return nil // it may still become ready
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl ps", fmt.Errorf("start the shop: cannot start %s", strings.Join(reasons, "; ")))
}

// summary prints the services, the storefront's address and the next commands.
func (o *upOptions) summary(st *controlpb.StatusResponse) error {
	view := viewStatus(o.ios, st)
	err := o.ios.Print(o.format, view, func(w io.Writer) {
		serviceTable(o.ios, w, view.Services)
		fmt.Fprintf(w, "\n%s\n", healthLine(view.Services, view.Missing))
		missingLines(o.ios, w, view.Missing)
		faultLines(o.ios, w, st.GetFaults(), nil)
		if view.URL != "" && o.storefrontRunning(view) {
			fmt.Fprintf(w, "storefront: %s\n", o.ios.Paint(iostreams.ToneBold, view.URL))
		}
	})
	if err != nil {
		return err
	}
	if o.ios.Verbose {
		showChain(o.ios, st.GetStartup())
	}
	switch {
	case o.attach:
	case view.Ready:
		if st.GetMonolith() {
			o.ios.Next("dash", "call catalog ListProducts", "restart monolith")
			break
		}
		o.parts.SuggestNext("dash", "call catalog ListProducts")
	default:
		o.ios.Next("ps")
	}
	return nil
}

// storefrontRunning reports whether the storefront is running.
func (o *upOptions) storefrontRunning(view statusView) bool {
	return slices.ContainsFunc(view.Services, func(s serviceView) bool {
		front := s.Name == "frontend" || slices.ContainsFunc(s.Modules, func(m moduleView) bool { return m.Name == "frontend" })
		return front && s.State != "stopped"
	})
}

// attachAndWait prints logs until a signal, and then stops the shop.
func (o *upOptions) attachAndWait(ctx context.Context, shop *control.Client, dir rundir.Dir) error {
	signals, release := o.takeSignals()
	defer release()
	o.ios.Notef("Ctrl+C stops the shop")
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		if err := o.show(following, shop, dir); err != nil {
			ended <- err
			return
		}
		ended <- o.parts.Logs(following)
	}()
	select {
	case err := <-ended:
		if err == nil || status.Code(err) == codes.Unavailable {
			err = cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("up"), errors.New("follow the shop: it has stopped"))
		}
		return err
	case <-signals:
	}
	cancel()
	<-ended
	if err := shutdown(ctx, o.ios, shop, signals, false); err != nil {
		return err
	}
	return waitGone(ctx, dir)
}
