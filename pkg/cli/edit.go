package cli

import (
	"context"

	"github.com/spf13/cobra"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// editOptions are what the verbs share that change a Deployment: scale, restart, stop, start, set env.
// Each is an edit of the object, which -o yaml shows.
type editOptions struct {
	f      *Factory
	format string
	dryRun bool
	wait   waitFlags
}

func (o *editOptions) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "change nothing; with -o yaml, print the object as it would be")
	addOutput(cmd, &o.format)
	o.wait.add(cmd)
	exits(cmd, exitOK, exitFailed, exitUsage, exitNotRunning, exitInconclusive)
}

// run makes one edit of all the services that words mean; done is the word for it: "scaled".
func (o *editOptions) run(ctx context.Context, words []string, done string, edit *controlpb.EditRequest) error {
	shop, err := o.f.Shop(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	found, err := workloadsOf(ctx, shop, o.f.Namespace, words)
	if err != nil {
		return err
	}
	for _, s := range found {
		edit.Services = append(edit.Services, s.GetNamespace()+"/"+s.GetWorkload())
	}
	edit.DryRun = o.dryRun
	resp, err := shop.Edit(ctx, edit)
	if err != nil {
		return err
	}
	dryRun := dryRunNone
	if o.dryRun {
		dryRun = dryRunServer
	}
	if err := printApplied(o.f.IO, o.format, resp.GetObjects(), done, dryRun); err != nil {
		return err
	}
	if o.dryRun {
		return nil
	}
	return o.wait.rollout(ctx, o.f.IO, shop, resp.GetObjects())
}
