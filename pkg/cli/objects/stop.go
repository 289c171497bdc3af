package objects

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func NewStopCmd(f *cmdutil.Factory) *cobra.Command {
	o := edit.New(f)
	cmd := &cobra.Command{
		Use:               "stop SERVICE...",
		Short:             "Stop a service by scaling it to zero",
		Example:           "shopctl stop payment",
		Args:              cmdutil.AtLeast(1, "a service"),
		ValidArgsFunction: cmdutil.CompleteServices(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.Run(cmd.Context(), args, "stopped", &controlpb.EditRequest{
				Operation: &controlpb.EditRequest_Stop{Stop: true},
			})
		},
	}
	o.Add(cmd)
	return cmd
}
