package create

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/files"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// NewReplaceCmd returns the command replace.
func NewReplaceCmd(f *cmdutil.Factory) *cobra.Command {
	o, read, force := newOptions(f, "replaced"), files.Flags{}, false
	cmd := &cobra.Command{
		Use:   "replace -f FILE",
		Short: "Replace objects by what manifests say",
		Long: `Replace objects by what manifests say, all or none. What a manifest leaves out gets its default, where apply leaves
it as it is. Each object must exist; one whose manifest has a resourceVersion must still have that one.

--force deletes the objects first, and creates them.`,
		Example: "shopctl replace -f catalog.yaml\nshopctl get deployment frontend -o yaml | sed 's/replicas: 1/replicas: 2/' | shopctl replace -f -",
		Args:    cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			read.Limit(cmd)
			if !force {
				return o.fromFiles(cmd.Context(), &read, &controlpb.ApplyRequest{Existing: true})
			}
			if o.dryRun != edit.DryRunNone {
				return cmdutil.UsageErr("leave out one of them", "--dry-run cannot be used when --force is set")
			}
			return o.recreate(cmd.Context(), &read)
		},
	}
	read.Add(cmd, f)
	cmd.Flags().BoolVar(&force, "force", false, "delete the objects and create them again")
	return o.add(cmd)
}

// recreate deletes the objects of files as far as they exist, and creates them. The manifests are checked before.
func (o *options) recreate(ctx context.Context, read *files.Flags) error {
	if len(read.Paths) == 0 {
		return cmdutil.UsageErr("-f FILE", "missing flag: -f with a file, a directory or -")
	}
	content, err := read.Read(o.ios.In)
	if err != nil {
		return err
	}
	refs, err := files.Refs(content)
	if err != nil {
		return err
	}
	shop, done, err := o.connect(ctx, read.Opened)
	if err != nil {
		return err
	}
	defer done()
	if _, err := shop.Apply(ctx, &controlpb.ApplyRequest{Files: content, Replace: true, DryRun: true, Namespace: o.namespace()}); err != nil {
		return err
	}
	for _, ref := range refs {
		resp, err := shop.Delete(ctx, &controlpb.DeleteRequest{Kind: ref.Kind.Name, Names: ref.Names, Namespace: cmp.Or(ref.Namespace, o.namespace())})
		if err != nil && !find.NotFound(err) {
			return err
		}
		for _, object := range resp.GetObjects() {
			if _, err := fmt.Fprintf(o.ios.Out, "%s deleted\n", iostreams.OneLine(edit.Ref(object))); err != nil {
				return err
			}
		}
	}
	return o.apply(ctx, read.Opened, &controlpb.ApplyRequest{Files: content, Create: true})
}
