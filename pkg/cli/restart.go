package cli

import (
	"github.com/spf13/cobra"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func newRestartCmd(f *Factory) *cobra.Command {
	o := &editOptions{f: f}
	cmd := &cobra.Command{
		Use:               "restart SERVICE...",
		Short:             "Restart a service's instances one after the other, without losing a request",
		Example:           "shopctl restart payment",
		Args:              atLeast(1, "a service"),
		ValidArgsFunction: completeServices(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args, "restarted", &controlpb.EditRequest{
				Operation: &controlpb.EditRequest_Restart{Restart: true},
			})
		},
	}
	o.add(cmd)
	return cmd
}
