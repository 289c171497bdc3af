package cmdutil

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
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

// FindService finds the service that a word means in a namespace; empty: in the shop's own.
func FindService(st *controlpb.StatusResponse, namespace, word string) (*controlpb.Service, error) {
	s, _, err := FindRef(st, namespace, word)
	return s, err
}

// FindRef is FindService for those who need to know what else the word says: that it is the name of an instance.
func FindRef(st *controlpb.StatusResponse, namespace, word string) (*controlpb.Service, servicename.Ref, error) {
	all := st.GetServices()
	i, ref, err := servicename.Find(entries(all), st.GetNamespace(), namespace, word)
	if err == nil {
		return all[i], ref, nil
	}
	if s, m := FindModule(st, namespace, word); m != nil {
		return nil, ref, UsageErr("use "+s.GetName()+" instead", "%s is a module of %s: it does not have its own process", m.GetName(), s.GetName())
	}
	var unknown *servicename.Error
	if errors.As(err, &unknown) && unknown.Hint() == "" {
		var names []string
		for _, s := range all {
			if s.GetNamespace() == ref.Namespace {
				names = append(names, s.GetName())
			}
		}
		if err := deletedErr(st, ref); err != nil {
			return nil, ref, err
		}
		return nil, ref, UnknownNameErr("service", word, names)
	}
	return nil, ref, UsageErr(unknown.Hint(), "%w", err)
}

// deletedErr is the error about a service of the shop's own that was deleted; nil if the name means none.
func deletedErr(st *controlpb.StatusResponse, ref servicename.Ref) error {
	for _, m := range st.GetMissing() {
		b, _ := services.Lookup(m.GetService())
		if m.GetAbsent() && (strings.EqualFold(ref.Name, m.GetService()) || strings.EqualFold(ref.Name, b.Workload)) {
			return HintErr(ExitUsage, "shopctl restore "+m.GetService(), fmt.Errorf("find service %q: %s", ref.Name, m.GetMessage()))
		}
	}
	return nil
}

// FindModule finds the module of a monolith that a word means, and its service; nil if it means none.
func FindModule(st *controlpb.StatusResponse, namespace, word string) (*controlpb.Service, *controlpb.Module) {
	ref := servicename.Parse(word)
	if ref.Kind == servicename.Pod || cmp.Or(ref.Namespace, namespace, st.GetNamespace()) != st.GetNamespace() {
		return nil, nil
	}
	return control.FindModule(st.GetServices(), ref.Name)
}

// entries are services with their names. A service in another namespace than the shop's has no short name of its own: it is
// displayed with its namespace.
func entries(all []*controlpb.Service) []servicename.Entry {
	found := make([]servicename.Entry, len(all))
	for i, s := range all {
		e := servicename.Entry{Namespace: s.GetNamespace(), Workload: s.GetWorkload(), Services: s.GetFronts()}
		if b, ok := services.Lookup(s.GetWorkload()); ok && b.Workload == s.GetWorkload() {
			e.Short = b.Name
		}
		for _, in := range s.GetInstances() {
			e.Pods = append(e.Pods, in.GetName())
		}
		found[i] = e
	}
	return found
}

// WorkloadsOf returns the named services of the shop, in the order of words, limited to a namespace if one is given.
func WorkloadsOf(ctx context.Context, shop *control.Client, namespace string, words []string) ([]*controlpb.Service, error) {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, err
	}
	if _, err := ServicesIn(ctx, shop, namespace, st.GetServices()); err != nil {
		return nil, err
	}
	found := make([]*controlpb.Service, 0, len(words))
	for _, word := range words {
		s, ref, err := FindRef(st, namespace, word)
		if err != nil {
			return nil, err
		}
		if ref.Kind == servicename.Pod {
			return nil, UsageErr("name the service: "+s.GetName(), "%s is one instance of %s; only the whole service can be changed", word, s.GetName())
		}
		found = append(found, s)
	}
	return found, nil
}

// AddressOf returns the address of a service or of a module of one, in the shop's own namespace.
func AddressOf(ctx context.Context, shop *control.Client, name string) (string, error) {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return "", err
	}
	if _, m := FindModule(st, "", name); m != nil {
		return m.GetAddress(), nil
	}
	s, err := FindService(st, "", name)
	return s.GetAddress(), err
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
		return Without(ServiceNames(cmd.Context(), f.Shop, f.Namespace()), args), cobra.ShellCompDirectiveNoFileComp
	}
}

// CompleteOneService completes only the first argument.
func CompleteOneService(f *Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return ServiceNames(cmd.Context(), f.Shop, f.Namespace()), cobra.ShellCompDirectiveNoFileComp
	}
}

// ServiceNames are the names of services that can be typed for a namespace. Without one they are all, and those of other
// namespaces than the shop's begin with theirs.
func ServiceNames(ctx context.Context, connect Connect, namespace string) []string {
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
		if namespace != "" && s.GetNamespace() != namespace {
			continue
		}
		name := s.GetName()
		if namespace != "" {
			name = strings.TrimPrefix(name, namespace+"/")
		}
		names = append(names, name)
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

// ContainerNames are the containers of an instance, as kubectl lists them: those of the pod, and then its init containers.
func ContainerNames(in *controlpb.Instance) (first string, names []string) {
	var before []string
	for _, c := range in.GetContainers() {
		if c.GetKind() == "app" {
			names = append(names, c.GetName())
		} else {
			before = append(before, c.GetName()+" (init)")
		}
	}
	if len(names) == 0 {
		return "", before
	}
	return names[0], append(names, before...)
}
