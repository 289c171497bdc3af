package load

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/load"
)

func newLoadStopCmd(f *cmdutil.Factory) *cobra.Command {
	o := edit.New(f)
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Stop the load; the load generator keeps running idle",
		Args:  cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.Run(cmd.Context(), []string{load.Workload}, "load stopped", setEnv(load.Stop()))
		},
	}
	o.Add(cmd)
	return cmd
}
