package objects

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func NewRestartCmd(f *cmdutil.Factory) *cobra.Command {
	o := edit.New(f)
	cmd := &cobra.Command{
		Use:               "restart SERVICE...",
		Short:             "Restart a service's instances one by one, without losing requests",
		Example:           "shopctl restart payment",
		Args:              cmdutil.AtLeast(1, "a service"),
		ValidArgsFunction: cmdutil.CompleteServices(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.Run(cmd.Context(), args, "restarted", &controlpb.EditRequest{
				Operation: &controlpb.EditRequest_Restart{Restart: true},
			})
		},
	}
	o.Add(cmd)
	return cmd
}
