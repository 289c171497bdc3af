package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/load"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type loadStartOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	edit    *edit.Options
	spec    load.Spec
}

func newLoadStartCmd(f *cmdutil.Factory) *cobra.Command {
	o := &loadStartOptions{ios: f.IO, connect: f.Shop, edit: edit.New(f)}
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start load or change the current load",
		Example: `shopctl load start --rate 20 --seed 42
shopctl load start --rate 100 --for 2m --wait
shopctl load start --rate 20 --dry-run -o yaml`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.Flags().Changed("for")) },
	}
	flags := cmd.Flags()
	flags.Float64Var(&o.spec.Rate, "rate", 10, fmt.Sprintf("steps (a page view or a form) per second, at most %d", load.MaxRate))
	flags.Uint64Var(&o.spec.Seed, "seed", 1, "random seed: the same seed gives the same sequence of steps")
	flags.DurationVar(&o.spec.For, "for", 0, "stop after this time; with --wait, return then")
	for _, flag := range []string{"rate", "seed", "for"} {
		cmdutil.Must(cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions))
	}
	cmdutil.LimitTime(cmd, "for", 1, "2m")
	o.edit.Add(cmd)
	return cmd
}

func (o *loadStartOptions) run(ctx context.Context, bounded bool) error {
	if bounded && o.spec.For <= 0 {
		return cmdutil.UsageErr("--for 2m", "read --for %s: want a time above zero", o.spec.For)
	}
	env, err := load.Start(o.spec)
	if err != nil {
		return cmdutil.UsageErr(o.ios.Command("load start --rate 20"), "start load: %w", err)
	}
	if !o.edit.DryRun {
		if err := o.checkRunning(ctx); err != nil {
			return err
		}
	}
	if err := o.edit.Run(ctx, []string{load.Workload}, "load started", setEnv(env)); err != nil {
		return err
	}
	if o.edit.DryRun {
		return nil
	}
	lasts := "until it is stopped"
	if o.spec.For > 0 {
		lasts = "for " + humanize.Span(o.spec.For.Round(time.Millisecond))
	}
	o.ios.Notef("%g steps per second, seed %d, %s", o.spec.Rate, o.spec.Seed, lasts)
	if o.edit.Waits() && o.spec.For > 0 {
		return o.await(ctx)
	}
	o.ios.Next("load status", "load stop")
	return nil
}

// checkRunning returns an error for a load generator that is stopped: it would keep the load in mind, and generate none.
func (o *loadStartOptions) checkRunning(ctx context.Context) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	found, err := cmdutil.WorkloadsOf(ctx, shop, "", []string{load.Workload})
	if err != nil {
		return err
	}
	if s := found[0]; s.GetReplicas() == 0 || s.GetState() == "stopped" {
		return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("start "+s.GetName()+" --wait")+" && "+o.ios.Command("load start"), errors.New("start load: the load generator is stopped"))
	}
	return nil
}

// await waits until the load has lasted as long as it should.
func (o *loadStartOptions) await(ctx context.Context) error {
	timer := time.NewTimer(o.spec.For)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	}
	o.ios.Notef("the load has ended")
	o.ios.Next("load status")
	return nil
}

// setEnv is the edit that sets the variables of the load generator.
func setEnv(env map[string]string) *controlpb.EditRequest {
	return &controlpb.EditRequest{Operation: &controlpb.EditRequest_SetEnv{SetEnv: &controlpb.SetEnv{Set: env}}}
}
