package token

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

// NewIssuerCmd builds the group of commands about the issuer.
func NewIssuerCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "issuer",
		Short: "Start and stop the issuer of tokens, and rotate its keys",
		Long: `Start and stop the issuer of tokens, and rotate its keys.

The issuer is the workload issuer. It publishes its keys as an OpenID provider does, and signs tokens for every caller,
without a password: it is for trying what tokens do. In a RequestAuthentication it is

  jwtRules:
    - issuer: http://issuer.production.svc.cluster.local:8080
      jwksUri: http://issuer.production.svc.cluster.local:8080/keys

An identity provider of your own takes its place with other values there.`,
	}, newStartCmd(f), newStopCmd(f), newRotateCmd(f))
}

// switching are the options of starting and stopping.
type switching struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	format  string
	wait    edit.WaitFlags
}

// newSwitch completes a command that starts or stops the issuer: change does it, and returns what it changed.
func newSwitch(f *cmdutil.Factory, cmd *cobra.Command, done string, change func(context.Context, *control.Client) ([]*controlpb.AppliedObject, error)) *cobra.Command {
	o := &switching{ios: f.IO, connect: f.Shop}
	cmd.Args = cmdutil.Exactly(0, "")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), done, change) }
	cmdutil.AddOutput(cmd, &o.format)
	o.wait.Add(cmd)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive)
}

func (o *switching) run(ctx context.Context, done string, change func(context.Context, *control.Client) ([]*controlpb.AppliedObject, error)) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	all, err := change(ctx, shop)
	if err != nil {
		return err
	}
	if err := edit.PrintApplied(o.ios, o.format, all, done, edit.DryRunNone); err != nil {
		return err
	}
	return o.wait.Rollout(ctx, o.ios, shop, slices.DeleteFunc(all, edit.Deleted))
}

func newStartCmd(f *cmdutil.Factory) *cobra.Command {
	return newSwitch(f, &cobra.Command{
		Use:     "start",
		Short:   "Start the issuer",
		Long:    `Start the issuer. Its keys are those of the last time; the first start makes them.`,
		Example: "shopctl issuer start --wait",
	}, "started", func(ctx context.Context, shop *control.Client) ([]*controlpb.AppliedObject, error) {
		b, _ := services.Lookup(workload)
		resp, err := shop.Apply(ctx, &controlpb.ApplyRequest{Files: []*controlpb.File{{Name: b.Name + "/manifest.yaml", Content: b.Manifest()}}})
		return resp.GetObjects(), err
	})
}

func newStopCmd(f *cmdutil.Factory) *cobra.Command {
	return newSwitch(f, &cobra.Command{
		Use:   "stop",
		Short: "Stop the issuer",
		Long: `Stop the issuer. Its keys stay for the next start. Sidecars that know them already accept its tokens until those expire;
sidecars that start later accept none.`,
		Example: "shopctl issuer stop",
	}, "stopped", func(ctx context.Context, shop *control.Client) ([]*controlpb.AppliedObject, error) {
		return edit.DeleteWorkloads(ctx, shop, []string{workload})
	})
}

type rotateOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	format  string
}

func newRotateCmd(f *cmdutil.Factory) *cobra.Command {
	o := &rotateOptions{ios: f.IO, connect: f.Shop}
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Let the issuer sign with its next key",
		Long: `Let the issuer sign with its next key.

The issuer publishes the key that it will sign with next beside the one that it signs with, so that those who verify
know it before they see it. A key that signs no more stays published for a day, as long as a token of it may be good.
Sidecars have keys fetched again after 20 minutes, as in Istio: rotate twice within them, and tokens are refused
whose key no sidecar has yet.`,
		Example: "shopctl issuer rotate",
		Args:    cmdutil.Exactly(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *rotateOptions) run(ctx context.Context) error {
	i, err := find(ctx, o.ios, o.connect)
	if err != nil {
		return err
	}
	r, err := i.rotate(ctx)
	if err != nil {
		return err
	}
	return o.ios.Print(o.format, r, func(w io.Writer) {
		fmt.Fprintf(w, "the key %s signs now; %s has signed before\n", r.Current, r.Previous)
	})
}
