// Package mesh implements the commands that show what the sidecars hold, and what goes through them.
package mesh

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// NewCmd returns the group of commands.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	group := cmdutil.Group(&cobra.Command{
		Use:   "mesh",
		Short: "Look into the sidecars of the mesh",
		Long: `Look into the mesh: which sidecars there are, what the control plane made of the VirtualServices, DestinationRules and
policies for each of them, which requests go through them, and which line of YAML decided about a request.

routes, clusters, listeners, endpoints and secrets print what "istioctl proxy-config" prints of an Envoy.`,
	}, newStatusCmd(f), newDescribeCmd(f), newExplainCmd(f), newTapCmd(f), newOnCmd(f), newOffCmd(f))
	for _, s := range sections() {
		group.AddCommand(newSectionCmd(f, s))
	}
	return group
}

// exits are the exit codes of commands that read once.
func exits(cmd *cobra.Command) *cobra.Command {
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}
