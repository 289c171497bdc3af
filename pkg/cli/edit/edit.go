// Package edit is shared by the commands that change objects: it edits Deployments, with the flags for that, waits for
// rollouts, and prints changed objects.
package edit

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Options are shared by the verbs that change a Deployment: scale, restart, stop, start, set env. Each is an edit of
// the object, which -o yaml shows.
type Options struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	format    string
	DryRun    bool
	wait      WaitFlags
}

// New returns the options of a command that edits Deployments.
func New(f *cmdutil.Factory) *Options {
	return &Options{ios: f.IO, connect: f.Shop, namespace: f.Namespace}
}

// Add adds the flags to cmd.
func (o *Options) Add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "change nothing; with -o yaml, print the resulting object")
	cmdutil.AddOutput(cmd, &o.format)
	o.wait.Add(cmd)
	cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive)
}

// Waits reports whether --wait is given.
func (o *Options) Waits() bool { return o.wait.wait && !o.DryRun }

// Run applies one edit to all the named services, or without any to the namespace; done is the word that reports it: "scaled".
func (o *Options) Run(ctx context.Context, words []string, done string, edit *controlpb.EditRequest) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	var found []*controlpb.Service
	if len(words) > 0 {
		if found, err = cmdutil.WorkloadsOf(ctx, shop, o.namespace(), words); err != nil {
			return err
		}
	} else {
		edit.Namespace = o.namespace()
	}
	for _, s := range found {
		edit.Services = append(edit.Services, s.GetNamespace()+"/"+s.GetWorkload())
	}
	edit.DryRun = o.DryRun
	resp, err := shop.Edit(ctx, edit)
	if err != nil {
		return err
	}
	dryRun := DryRunNone
	if o.DryRun {
		dryRun = DryRunServer
	}
	if err := PrintApplied(o.ios, o.format, resp.GetObjects(), done, dryRun); err != nil {
		return err
	}
	if o.DryRun {
		return nil
	}
	if err := o.wait.Rollout(ctx, o.ios, shop, resp.GetObjects()); err != nil {
		return err
	}
	if _, ok := edit.GetOperation().(*controlpb.EditRequest_Mesh); ok {
		namespace := o.namespace()
		if len(found) > 0 {
			namespace = found[0].GetNamespace()
		}
		return o.wait.Sidecars(ctx, o.ios, shop, namespace)
	}
	return nil
}
