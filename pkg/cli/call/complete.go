package call

import (
	"context"
	"crypto/rand"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/services"
)

// complete completes services that speak gRPC, and their methods; built-in services are completed with the shop down
// as well.
func (o *callOptions) complete(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		var names []string
		for _, name := range cmdutil.ServiceNames(cmd.Context(), o.f.Shop, o.f.Namespace()) {
			if b, ok := services.Lookup(name); !ok || len(b.GRPC) > 0 {
				names = append(names, name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	case 1:
		return CompleteMethods(cmd.Context(), o.f, args[0]), cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// CompleteMethods returns the methods of a service, each with its messages as a description.
func CompleteMethods(ctx context.Context, f *cmdutil.Factory, word string) []string {
	ctx, cancel := context.WithTimeout(ctx, cmdutil.LiveTimeout)
	defer cancel()
	t, err := findTarget(ctx, f.IO, f.Shop, f.Namespace, word, true)
	if err != nil {
		return nil
	}
	caller := call.New(call.Config{Now: f.Now, Rand: rand.Reader})
	defer caller.Close()
	methods, err := caller.Methods(ctx, t.Target)
	if err != nil {
		return nil
	}
	words := make([]string, len(methods))
	for i, m := range methods {
		words[i] = m.Short + "\t" + m.Signature()
	}
	return words
}
