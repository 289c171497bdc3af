// Package saga contains the commands that try a checkout service.
package saga

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// NewCmd builds the group.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "saga",
		Short: "Try whether orders survive kills, lost responses and requests that arrive twice",
		Long: `Try whether orders survive kills, lost responses and requests that arrive twice.

An order is a saga over several services (see "shopctl order --help"). Whether its checkout is right shows only when
something goes wrong, at each point where it can.`,
	}, newProveCmd(f))
}
