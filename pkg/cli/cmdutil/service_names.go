package cmdutil

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/suggest"
	"github.com/shopctl/shopctl/services"
)

// UnknownNameErr is the error for an unknown name, with the most similar known name.
func UnknownNameErr(what, word string, known []string) error {
	hint := "one of " + strings.Join(known, ", ")
	if near := suggest.Match(word, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	if len(known) == 0 {
		hint = ""
	}
	return UsageErr(hint, "unknown %s %q", what, word)
}

// FindService finds a service by either of its names.
func FindService(all []*controlpb.Service, word string) (*controlpb.Service, error) {
	var names []string
	for _, s := range all {
		if strings.EqualFold(s.GetName(), word) || strings.EqualFold(s.GetWorkload(), word) {
			return s, nil
		}
		names = append(names, s.GetName())
	}
	if s, m := control.FindModule(all, word); m != nil {
		return nil, UsageErr("use "+s.GetName()+" instead", "%s is a module of %s: it does not have its own process", m.GetName(), s.GetName())
	}
	return nil, UnknownNameErr("service", word, names)
}

// WorkloadsOf returns the named services of the shop, in the order of words, limited to a namespace if one is given.
func WorkloadsOf(ctx context.Context, shop *control.Client, namespace string, words []string) ([]*controlpb.Service, error) {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, err
	}
	all, err := ServicesIn(ctx, shop, namespace, st.GetServices())
	if err != nil {
		return nil, err
	}
	return FindServices(all, words)
}

// AddressOf returns the address of a service or of a module of one.
func AddressOf(ctx context.Context, shop *control.Client, name string) (string, error) {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return "", err
	}
	if _, m := control.FindModule(st.GetServices(), name); m != nil {
		return m.GetAddress(), nil
	}
	s, err := FindService(st.GetServices(), name)
	return s.GetAddress(), err
}

func FindServices(all []*controlpb.Service, words []string) ([]*controlpb.Service, error) {
	found := make([]*controlpb.Service, 0, len(words))
	for _, word := range words {
		s, err := FindService(all, word)
		if err != nil {
			return nil, err
		}
		found = append(found, s)
	}
	return found, nil
}

// ServicesIn returns the services in a namespace, which must exist; all if none is given.
func ServicesIn(ctx context.Context, shop *control.Client, namespace string, all []*controlpb.Service) ([]*controlpb.Service, error) {
	if namespace == "" {
		return all, nil
	}
	if _, err := shop.Get(ctx, &controlpb.GetRequest{Kind: resource.KindNamespace, Names: []string{namespace}}); err != nil {
		return nil, err
	}
	var inside []*controlpb.Service
	for _, s := range all {
		if s.GetNamespace() == namespace {
			inside = append(inside, s)
		}
	}
	return inside, nil
}

// BuiltinNames are the names of the built-in services.
func BuiltinNames() []string {
	var names []string
	for _, b := range services.All() {
		names = append(names, b.Name)
	}
	return names
}

// LiveTimeout limits the requests of completions to a running shop: a shell waits for them.
const LiveTimeout = 300 * time.Millisecond

// CompleteServices completes the names of services: those of the running shop, else the built-in ones.
func CompleteServices(f *Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return Without(ServiceNames(cmd.Context(), f.Shop), args), cobra.ShellCompDirectiveNoFileComp
	}
}

// CompleteOneService completes only the first argument.
func CompleteOneService(f *Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return ServiceNames(cmd.Context(), f.Shop), cobra.ShellCompDirectiveNoFileComp
	}
}

func ServiceNames(ctx context.Context, connect Connect) []string {
	shop, err := connect(ctx)
	if err != nil {
		return BuiltinNames()
	}
	defer shop.Close()
	ctx, cancel := context.WithTimeout(ctx, LiveTimeout)
	defer cancel()
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return BuiltinNames()
	}
	var names []string
	for _, s := range st.GetServices() {
		names = append(names, s.GetName())
		for _, m := range s.GetModules() {
			names = append(names, m.GetName())
		}
	}
	return names
}

// CompleteWords completes a flag with fixed values.
func CompleteWords(cmd *cobra.Command, flag string, words ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	Must(err)
}

// Must panics on errors that only a mistake in the construction of the command tree can cause.
func Must(err error) {
	if err != nil {
		panic(err)
	}
}

func Without(words, used []string) []string {
	var rest []string
	for _, w := range words {
		taken := false
		for _, u := range used {
			taken = taken || strings.EqualFold(u, w)
		}
		if !taken {
			rest = append(rest, w)
		}
	}
	return rest
}
