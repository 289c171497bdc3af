package cli

import (
	"context"

	"github.com/spf13/cobra"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type applyOptions struct {
	f      *Factory
	files  fileFlags
	dryRun string
	format string
	wait   waitFlags
}

func newApplyCmd(f *Factory) *cobra.Command {
	o := &applyOptions{f: f}
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Create or change objects from manifests",
		Long: `Create or change Deployments, Services, ConfigMaps, Secrets, ServiceAccounts and Namespaces from the YAML that a
Kubernetes cluster takes. All objects of all files are applied, or none: an unknown field, a wrong type or a bad value
is an error with file:line:column.

With --dry-run=server the shop says what it would do; with --dry-run=client the files are checked against a shop as it
comes out of the box, for which none need run.`,
		Example: `shopctl apply -f catalog.yaml
shopctl apply -f manifests/ --dry-run=server
shopctl get deployment cartservice -o yaml | sed 's/replicas: 1/replicas: 2/' | shopctl apply -f -`,
		Args: exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	o.files.add(cmd)
	addDryRun(cmd, &o.dryRun)
	addOutput(cmd, &o.format)
	o.wait.add(cmd)
	return exits(cmd, exitOK, exitFailed, exitUsage, exitNotRunning, exitInconclusive)
}

// Values of --dry-run.
const (
	dryRunNone   = "none"
	dryRunClient = "client"
	dryRunServer = "server"
)

func addDryRun(cmd *cobra.Command, value *string) {
	*value = dryRunNone
	allowed := []string{dryRunNone, dryRunClient, dryRunServer}
	cmd.Flags().Var(&oneOf{value: value, allowed: allowed, kind: "WHO"}, "dry-run", "change nothing: client checks the files, server asks the shop")
	cmd.Flags().Lookup("dry-run").NoOptDefVal = dryRunClient
	completeWords(cmd, "dry-run", allowed...)
}

func (o *applyOptions) run(ctx context.Context) error {
	if len(o.files.paths) == 0 {
		return usageErr("shopctl apply -f FILE", "missing flag: -f with a file, a directory or -")
	}
	files, err := o.files.read(o.f.IO.In)
	if err != nil {
		return err
	}
	if o.dryRun == dryRunClient {
		resp, err := applyHere(files, o.f.Namespace)
		if err != nil {
			return err
		}
		return o.print(resp)
	}
	shop, err := o.f.Shop(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	resp, err := shop.Apply(ctx, &controlpb.ApplyRequest{Files: files, DryRun: o.dryRun == dryRunServer, Namespace: o.f.Namespace})
	if err != nil {
		return err
	}
	if err := o.print(resp); err != nil || o.dryRun == dryRunServer {
		return err
	}
	return o.wait.rollout(ctx, o.f.IO, shop, resp.GetObjects())
}

func (o *applyOptions) print(resp *controlpb.ApplyResponse) error {
	for _, w := range resp.GetWarnings() {
		o.f.IO.say("warning", w)
	}
	return printApplied(o.f.IO, o.format, resp.GetObjects(), "", o.dryRun)
}

// printApplied writes what was done to objects; verb stands for "configured" where a command has its own word.
func printApplied(ios *IO, format string, applied []*controlpb.AppliedObject, verb, dryRun string) error {
	objects := make([]*controlpb.Object, len(applied))
	for i, a := range applied {
		objects[i] = a.GetObject()
	}
	if format == formatYAML && dryRun != dryRunNone {
		return printStream(ios, objects, true)
	}
	return printChanged(ios, format, objects, func(i int) string {
		done := applied[i].GetAction()
		if verb != "" && done == "configured" {
			done = verb
		}
		if dryRun != dryRunNone {
			done += " (" + dryRun + " dry run)"
		}
		return done
	})
}
