// Package objects implements the commands for Kubernetes objects, with kubectl's verbs, and the verbs that edit Deployments.
package objects

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/services"
)

// lookupKind finds a kind by any of its names.
func lookupKind(word string) (resource.Kind, error) {
	kind, err := resource.LookupKind(word)
	var unsupported *resource.UnsupportedKindError
	if errors.As(err, &unsupported) {
		return kind, cmdutil.UsageErr(kindHint(word), "%w", err)
	}
	return kind, err
}

// kindHint suggests a command for a word that is not a kind.
func kindHint(word string) string {
	switch strings.ToLower(word) {
	case "pod", "pods", "po", "replicasets", "rs":
		return "shopctl ps --instances"
	case "events", "ev":
		return "shopctl events"
	}
	if b, ok := services.Lookup(word); ok {
		return "shopctl describe deployment " + b.Name
	}
	return "shopctl get deployments"
}

// kindAndNames reads "KIND NAME..." and "KIND/NAME...".
func kindAndNames(args []string) (resource.Kind, []string, error) {
	word, name, slash := strings.Cut(args[0], "/")
	kind, err := lookupKind(word)
	if err != nil {
		return kind, nil, err
	}
	if !slash {
		return kind, args[1:], nil
	}
	names := []string{name}
	for _, arg := range args[1:] {
		word, name, slash := strings.Cut(arg, "/")
		other, err := lookupKind(word)
		switch {
		case !slash:
			return kind, nil, cmdutil.UsageErr(kind.Singular()+"/"+arg, "read %q: want KIND/NAME like those before it", arg)
		case err != nil:
			return kind, nil, err
		case other.Name != kind.Name:
			return kind, nil, cmdutil.UsageErr("shopctl get "+kind.Plural, "read %q: one kind at a time, here %s", arg, kind.Plural)
		}
		names = append(names, name)
	}
	return kind, names, nil
}

// completeObjects completes KIND and then the names of the shop's objects of that kind.
func completeObjects(f *cmdutil.Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			var words []string
			for _, k := range resource.Kinds() {
				words = append(words, k.Plural)
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		}
		return cmdutil.Without(objectNames(f.Shop, f.Namespace, cmd, args[0]), args[1:]), cobra.ShellCompDirectiveNoFileComp
	}
}
