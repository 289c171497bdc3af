package call

import (
	"context"
	"crypto/rand"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/services"
)

// complete completes services that speak gRPC, their methods, and the fields of a message; built-in services are completed with the shop down
// as well. With --unix, the shell completes the path of the socket.
func (o *callOptions) complete(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if o.unix && len(args) > 0 {
		path, err := socket(args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		args = append([]string{path}, args[1:]...)
	}
	switch len(args) {
	case 0:
		if o.unix {
			return nil, cobra.ShellCompDirectiveDefault
		}
		var names []string
		for _, name := range cmdutil.ServiceNames(cmd.Context(), o.f.Shop, o.f.Namespace()) {
			if b, ok := services.Lookup(name); !ok || len(b.GRPC) > 0 {
				names = append(names, name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	case 1:
		return CompleteMethods(cmd.Context(), o.f, args[0]), cobra.ShellCompDirectiveNoFileComp
	case 2:
		return o.completeMessage(cmd, args, typed)
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// completeMessage completes the JSON of a request; args are the service and the method.
func (o *callOptions) completeMessage(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveKeepOrder
	if len(args) < 2 {
		return nil, directive
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), cmdutil.LiveTimeout)
	defer cancel()
	t, err := findTarget(ctx, o.f.IO, o.f.Shop, o.f.Namespace, args[0], true)
	if err != nil {
		return nil, directive
	}
	t.Files, t.TLS, t.Authority = o.files, o.secure.secured(), o.secure.authority
	caller := call.New(call.Config{Now: o.f.Now, Rand: rand.Reader})
	defer caller.Close()
	found, err := caller.CompleteMessage(ctx, t.Target, args[1], typed)
	if err != nil {
		return nil, directive
	}
	words := make([]string, len(found))
	for i, c := range found {
		if words[i] = c.Text; c.Description != "" {
			words[i] += "\t" + c.Description
		}
	}
	return words, directive
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
