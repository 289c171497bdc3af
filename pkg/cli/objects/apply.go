package objects

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/files"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type applyOptions struct {
	ios       *iostreams.IO
	connect   files.ConnectFor
	namespace func() string
	files     files.Flags
	dryRun    string
	format    string
	wait      edit.WaitFlags
	now       func() time.Time
}

func NewApplyCmd(f *cmdutil.Factory) *cobra.Command {
	o := &applyOptions{ios: f.IO, connect: f.ConnectFor, namespace: f.Namespace, now: f.Now}
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Create or change objects from manifests",
		Long: `Create or change objects from Kubernetes manifests. All objects of all files are applied, or none: an unknown field, a
wrong type or an invalid value is an error with file:line:column.

The supported kinds are:
` + supportedKinds() + `

--dry-run=server prints what the shop would do. --dry-run=client checks the files against the built-in objects and works
without a running shop.`,
		Example: `shopctl apply -f catalog.yaml
shopctl apply -f manifests/ --dry-run=server
shopctl get deployment cartservice -o yaml | sed 's/replicas: 1/replicas: 2/' | shopctl apply -f -`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.files.Limit(cmd)
			return o.run(cmd.Context())
		},
	}
	o.files.Add(cmd, f)
	edit.AddDryRun(cmd, &o.dryRun, edit.DryRunClient, "change nothing: client checks the files locally, server checks them in the shop")
	cmdutil.AddOutput(cmd, &o.format)
	o.wait.AddFor(cmd, "wait until the change has rolled out, and is in force in all sidecars of the mesh")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive)
}

// supportedKinds is a table of the kinds with their versions.
func supportedKinds() string {
	var b strings.Builder
	for _, k := range resource.Kinds() {
		fmt.Fprintf(&b, "\n  %-21s %s", k.Name, k.APIVersion)
	}
	return b.String()
}

func (o *applyOptions) run(ctx context.Context) error {
	if len(o.files.Paths) == 0 {
		return cmdutil.UsageErr("shopctl apply -f FILE", "missing flag: -f with a file, a directory or -")
	}
	files, err := o.files.Read(o.ios.In)
	if err != nil {
		return err
	}
	if o.dryRun == edit.DryRunClient {
		resp, err := applyHere(ctx, files, o.namespace())
		if err != nil {
			return err
		}
		return o.print(resp)
	}
	shop, done, err := o.connect(ctx, o.files.Opened)
	if err != nil {
		return err
	}
	defer done()
	o.wait.Begin(o.now)
	resp, err := shop.Apply(ctx, &controlpb.ApplyRequest{Files: files, DryRun: o.dryRun == edit.DryRunServer, Namespace: o.namespace()})
	if err != nil {
		return err
	}
	if err := o.print(resp); err != nil || o.dryRun == edit.DryRunServer {
		return err
	}
	return o.wait.Changed(ctx, o.ios, shop, resp.GetObjects())
}

func (o *applyOptions) print(resp *controlpb.ApplyResponse) error {
	for _, w := range resp.GetWarnings() {
		o.ios.PrintLines("warning", w)
	}
	return edit.PrintApplied(o.ios, o.format, resp.GetObjects(), "", o.dryRun)
}
