package objects

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type restoreOptions struct {
	ios     *iostreams.IO
	connect func(ctx context.Context) (*control.Client, error)
	dryRun  bool
	format  string
	wait    edit.WaitFlags
}

func NewRestoreCmd(f *cmdutil.Factory) *cobra.Command {
	o := &restoreOptions{ios: f.IO, connect: f.Shop}
	cmd := &cobra.Command{
		Use:   "restore [SERVICE...]",
		Short: "Restore services of the shop that were deleted",
		Long: `Restore services that the shop comes with: their Deployments, Services and service accounts are applied again as the
shop defines them. Without a name, all services that lack something are restored; ps and status name them. What you
set yourself, and the shop does not, is kept. To start from scratch: shopctl down && shopctl up --reset.`,
		Example: `shopctl restore
shopctl restore catalog --wait`,
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	cmd.ValidArgs = cmdutil.BuiltinNames()
	cmd.Args = cobra.ArbitraryArgs
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "change nothing; print what would be restored")
	cmdutil.AddOutput(cmd, &o.format)
	o.wait.Add(cmd)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive)
}

func (o *restoreOptions) run(ctx context.Context, names []string) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	resp, err := shop.Restore(ctx, &controlpb.RestoreRequest{Services: names, DryRun: o.dryRun})
	if err != nil {
		return err
	}
	if len(resp.GetObjects()) == 0 {
		o.ios.Notef("nothing is missing")
	}
	for _, w := range resp.GetWarnings() {
		o.ios.PrintLines("warning", w)
	}
	dryRun := edit.DryRunNone
	if o.dryRun {
		dryRun = edit.DryRunServer
	}
	if err := edit.PrintApplied(o.ios, o.format, resp.GetObjects(), "", dryRun); err != nil || o.dryRun {
		return err
	}
	return o.wait.Rollout(ctx, o.ios, shop, resp.GetObjects())
}
