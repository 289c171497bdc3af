package cli

import (
	"github.com/spf13/cobra"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func newStartCmd(f *Factory) *cobra.Command {
	o := &editOptions{f: f}
	cmd := &cobra.Command{
		Use:               "start SERVICE...",
		Short:             "Start a stopped service again",
		Example:           "shopctl start payment --wait",
		Args:              atLeast(1, "a service"),
		ValidArgsFunction: completeServices(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args, "started", &controlpb.EditRequest{
				Operation: &controlpb.EditRequest_Start{Start: true},
			})
		},
	}
	o.add(cmd)
	return cmd
}
