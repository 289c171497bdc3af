// Package load implements the commands that generate customer traffic.
package load

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

func NewCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "load",
		Short: "Generate customer traffic and watch its results",
		Long: `Generate customer traffic: simulated customers browse, choose a currency, fill carts and order, at a rate that stays
the same when the shop slows down (an open model). The load generator is a service of the shop; these commands edit its
Deployment.`,
	}, newLoadStartCmd(f), newLoadStopCmd(f), newLoadStatusCmd(f))
}
