package objects

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// objectNames are the names of a kind's objects: those of the running shop, else those in the built-in manifests.
func objectNames(connect cmdutil.Connect, namespace func() string, cmd *cobra.Command, kind string) []string {
	k, err := resource.LookupKind(kind)
	if err != nil {
		return nil
	}
	shop, err := connect(cmd.Context())
	if err != nil {
		return builtinObjects(k)
	}
	defer shop.Close()
	ctx, cancel := context.WithTimeout(cmd.Context(), cmdutil.LiveTimeout)
	defer cancel()
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: k.Name, Namespace: namespace()})
	if err != nil {
		return builtinObjects(k)
	}
	var names []string
	for _, o := range resp.GetObjects() {
		names = append(names, o.GetName())
	}
	return names
}

func builtinObjects(k resource.Kind) []string {
	objects, err := pristine()
	if err != nil {
		return nil
	}
	var names []string
	for _, o := range objects.Snapshot().List(k.Name, "") {
		names = append(names, o.GetName())
	}
	return names
}
