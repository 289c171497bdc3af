package cli

import (
	"github.com/spf13/cobra"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func newStopCmd(f *Factory) *cobra.Command {
	o := &editOptions{f: f}
	cmd := &cobra.Command{
		Use:               "stop SERVICE...",
		Short:             "Stop a service; the others see it as gone",
		Example:           "shopctl stop payment",
		Args:              atLeast(1, "a service"),
		ValidArgsFunction: completeServices(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args, "stopped", &controlpb.EditRequest{
				Operation: &controlpb.EditRequest_Stop{Stop: true},
			})
		},
	}
	o.add(cmd)
	return cmd
}
