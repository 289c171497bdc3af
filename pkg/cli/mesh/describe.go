package mesh

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

type describeOptions struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
}

func newDescribeCmd(f *cmdutil.Factory) *cobra.Command {
	o := &describeOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace}
	cmd := &cobra.Command{
		Use:               "describe SERVICE",
		Short:             "Say in words what the mesh does with a service's requests, and why",
		Long:              "Say in words which routes, limits and policies apply to a service, of which objects they come,\nand which objects are without effect.",
		Example:           "shopctl mesh describe payment",
		Args:              cmdutil.Exactly(1, "a service"),
		ValidArgsFunction: cmdutil.CompleteOneService(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	return exits(cmd)
}

func (o *describeOptions) run(ctx context.Context, service string) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	resp, err := shop.DescribeMesh(ctx, &controlpb.DescribeMeshRequest{Service: servicename.In(o.namespace(), service)})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(o.ios.Out, resp.GetText())
	return err
}
