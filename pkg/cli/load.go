package cli

import (
	"github.com/spf13/cobra"
)

func newLoadCmd(f *Factory) *cobra.Command {
	return group(&cobra.Command{
		Use:   "load",
		Short: "Let customers visit the shop, and see how they fare",
		Long: `Let customers visit the shop: they browse, choose a currency, fill carts and order, at a rate that does not slow down
when the shop does. The load generator is a service of the shop; these commands edit its Deployment.`,
	}, newLoadStartCmd(f), newLoadStopCmd(f), newLoadStatusCmd(f))
}
