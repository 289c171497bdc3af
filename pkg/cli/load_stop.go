package cli

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/load"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func newLoadStopCmd(f *Factory) *cobra.Command {
	o := &editOptions{f: f}
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Stop the load; the load generator stays up and idle",
		Args:  exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), []string{load.Workload}, "load stopped", &controlpb.EditRequest{
				Operation: load.Stop(f.Namespace).GetOperation(),
			})
		},
	}
	o.add(cmd)
	return cmd
}
