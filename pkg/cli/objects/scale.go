package objects

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func NewScaleCmd(f *cmdutil.Factory) *cobra.Command {
	o := edit.New(f)
	var replicas int32
	cmd := &cobra.Command{
		Use:   "scale SERVICE... --replicas N",
		Short: "Set the number of instances of a service",
		Example: `shopctl scale catalog --replicas 3 --wait
shopctl scale catalog --replicas 3 --dry-run -o yaml`,
		Args:              cmdutil.AtLeast(1, "a service"),
		ValidArgsFunction: cmdutil.CompleteServices(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("replicas") {
				return cmdutil.UsageErr("shopctl scale "+args[0]+" --replicas 2", "missing flag: --replicas")
			}
			if replicas < 0 || replicas > resource.MaxReplicas {
				return cmdutil.UsageErr("shopctl scale "+args[0]+" --replicas 2", "read --replicas %d: want a number from 0 to %d", replicas, resource.MaxReplicas)
			}
			return o.Run(cmd.Context(), args, "scaled", &controlpb.EditRequest{
				Operation: &controlpb.EditRequest_Replicas{Replicas: replicas},
			})
		},
	}
	cmd.Flags().Int32Var(&replicas, "replicas", 0, "`NUMBER` of instances")
	o.Add(cmd)
	return cmd
}
