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

// UnknownNameErr is the error for a word that names nothing, with what it may have meant.
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

// FindService finds the service that word means by either of its names, or explains that there is none.
func FindService(all []*controlpb.Service, word string) (*controlpb.Service, error) {
	var names []string
	for _, s := range all {
		if strings.EqualFold(s.GetName(), word) || strings.EqualFold(s.GetWorkload(), word) {
			return s, nil
		}
		names = append(names, s.GetName())
	}
	if s, m := control.FindModule(all, word); m != nil {
		return nil, UsageErr("name "+s.GetName()+" in its place", "%s is a module of %s: it has no process of its own", m.GetName(), s.GetName())
	}
	return nil, UnknownNameErr("service", word, names)
}

// WorkloadsOf asks the shop for its services and returns those that words mean, in their order, among
// those of a namespace if one is given.
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

// AddressOf asks the shop where a service is reached, be it a module of another.
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

// ServicesIn are those services that live in a namespace, which must be there; all if none is given.
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

// BuiltinNames are the names that the binary itself knows.
func BuiltinNames() []string {
	var names []string
	for _, b := range services.All() {
		names = append(names, b.Name)
	}
	return names
}

// LiveTimeout bounds what a completion may ask of a running shop: a shell waits for it.
const LiveTimeout = 300 * time.Millisecond

// CompleteServices completes the names of services: those of the running shop, else the built-in ones.
func CompleteServices(f *Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return Without(ServiceNames(cmd.Context(), f.Shop), args), cobra.ShellCompDirectiveNoFileComp
	}
}

// CompleteOneService completes the first argument alone.
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

// CompleteWords completes a flag with fixed words.
func CompleteWords(cmd *cobra.Command, flag string, words ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	Must(err)
}

// Must is for what only a mistake in this package can cause, when the tree of commands is built.
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
