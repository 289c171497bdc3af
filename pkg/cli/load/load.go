// Package load holds the commands that generate customer traffic.
package load

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

func NewCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "load",
		Short: "Let customers visit the shop, and see how they fare",
		Long: `Let customers visit the shop: they browse, choose a currency, fill carts and order, at a rate that does not slow down
when the shop does. The load generator is a service of the shop; these commands edit its Deployment.`,
	}, newLoadStartCmd(f), newLoadStopCmd(f), newLoadStatusCmd(f))
}
