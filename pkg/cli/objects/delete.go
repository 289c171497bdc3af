package objects

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type deleteOptions struct {
	ios       *iostreams.IO
	connect   connectFor
	namespace func() string
	files     fileFlags
	dryRun    bool
	format    string
	wait      edit.WaitFlags
	now       func() time.Time
}

func NewDeleteCmd(f *cmdutil.Factory) *cobra.Command {
	o := &deleteOptions{ios: f.IO, connect: f.ConnectFor, namespace: f.Namespace, now: f.Now}
	cmd := &cobra.Command{
		Use:   "delete KIND NAME... | -f FILE",
		Short: "Delete objects by name or by manifest",
		Example: `shopctl delete deployment myapp
shopctl delete -f blue-green.yaml --dry-run`,
		ValidArgsFunction: completeObjects(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files.limit(cmd)
			return o.run(cmd.Context(), args)
		},
	}
	o.files.add(cmd, f)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "change nothing; print what would be deleted")
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatName)
	o.wait.AddFor(cmd, "wait until no sidecar follows the deleted objects of the mesh")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive)
}

func (o *deleteOptions) run(ctx context.Context, args []string) error {
	req := &controlpb.DeleteRequest{Namespace: o.namespace(), DryRun: o.dryRun}
	switch {
	case len(o.files.paths) > 0 && len(args) > 0:
		return cmdutil.UsageErr("shopctl delete --help", "KIND NAME and -f cannot be combined")
	case len(o.files.paths) > 0:
		files, err := o.files.read(o.ios.In)
		if err != nil {
			return err
		}
		req.Files = files
	case len(args) == 0:
		return cmdutil.UsageErr("shopctl delete --help", "missing argument: KIND NAME, or -f FILE")
	default:
		ref, err := storedObjects(args)
		if err != nil {
			return err
		}
		if len(ref.Names) == 0 {
			return cmdutil.UsageErr("shopctl get "+ref.Kind.Plural, "missing argument: the name of a %s", ref.Kind.Singular())
		}
		req.Kind, req.Names = ref.Kind.Name, ref.Names
	}
	shop, done, err := o.connect(ctx, o.files.opened)
	if err != nil {
		return err
	}
	defer done()
	o.wait.Begin(o.now)
	resp, err := shop.Delete(ctx, req)
	if err != nil {
		return err
	}
	for _, w := range resp.GetWarnings() {
		o.ios.PrintLines("warning", o.ios.ForThisShop(w))
	}
	for _, object := range resp.GetObjects() {
		line := edit.Ref(object)
		if o.format == iostreams.FormatTable {
			line += " deleted"
			if o.dryRun {
				line += " (server dry run)"
			}
		}
		if _, err := fmt.Fprintln(o.ios.Out, iostreams.OneLine(line)); err != nil {
			return err
		}
	}
	if o.dryRun {
		return nil
	}
	return o.wait.InForce(ctx, o.ios, shop, resp.GetObjects())
}
