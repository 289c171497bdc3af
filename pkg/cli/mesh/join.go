package mesh

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func newOnCmd(f *cmdutil.Factory) *cobra.Command {
	o := edit.New(f)
	cmd := &cobra.Command{
		Use:   "on [SERVICE...]",
		Short: "Start sidecars beside the instances of a service, or of the whole namespace",
		Long: `Start sidecars. Without a service, the namespace is labeled istio-injection=enabled, as with kubectl label on a
cluster with Istio; with one, its pod template is labeled sidecar.istio.io/inject=true. Built-in services join while
they run: no instance restarts and no request is lost. Other programs are replaced by a rolling update, since they
were started with addresses.`,
		Example: `shopctl mesh on
shopctl mesh on payment --wait
shopctl mesh on --dry-run -o yaml`,
		ValidArgsFunction: cmdutil.CompleteServices(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.Run(cmd.Context(), args, "labeled", &controlpb.EditRequest{Operation: &controlpb.EditRequest_Mesh{Mesh: true}})
		},
	}
	o.Add(cmd)
	return cmd
}

func newOffCmd(f *cmdutil.Factory) *cobra.Command {
	o := edit.New(f)
	cmd := &cobra.Command{
		Use:   "off [SERVICE...]",
		Short: "Stop the sidecars of a service, or of the whole namespace",
		Long: `Stop sidecars. Without a service, the namespace is labeled istio-injection=disabled; with one, its pod template is
labeled sidecar.istio.io/inject=false. Calls go directly to the instances again before their sidecars stop. Objects of
Istio stay and have no effect.`,
		Example: `shopctl mesh off
shopctl mesh off loadgenerator
shopctl mesh off --dry-run -o yaml`,
		ValidArgsFunction: cmdutil.CompleteServices(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.Run(cmd.Context(), args, "labeled", &controlpb.EditRequest{Operation: &controlpb.EditRequest_Mesh{Mesh: false}})
		},
	}
	o.Add(cmd)
	return cmd
}
