package objects

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func NewStartCmd(f *cmdutil.Factory) *cobra.Command {
	o := edit.New(f)
	cmd := &cobra.Command{
		Use:               "start SERVICE...",
		Short:             "Start a stopped service",
		Example:           "shopctl start payment --wait",
		Args:              cmdutil.AtLeast(1, "a service"),
		ValidArgsFunction: cmdutil.CompleteServices(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.Run(cmd.Context(), args, "started", &controlpb.EditRequest{
				Operation: &controlpb.EditRequest_Start{Start: true},
			})
		},
	}
	o.Add(cmd)
	return cmd
}
