// Package objects implements the commands for Kubernetes objects, with kubectl's verbs, and the verbs that edit Deployments.
package objects

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/objects/change"
	"github.com/shopctl/shopctl/pkg/cli/objects/create"
	"github.com/shopctl/shopctl/pkg/cli/objects/explain"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/cli/objects/get"
	"github.com/shopctl/shopctl/pkg/cli/objects/wait"
	"github.com/shopctl/shopctl/pkg/resource"
)

// NewGetCmd returns the command get.
func NewGetCmd(f *cmdutil.Factory) *cobra.Command { return get.NewCmd(f, completeObjects(f)) }

// NewChangeCmds returns kubectl's further commands that make, change and explain objects, and wait for what follows.
func NewChangeCmds(f *cmdutil.Factory) []*cobra.Command {
	complete := completeObjects(f)
	return []*cobra.Command{
		create.NewCmd(f), create.NewReplaceCmd(f), create.NewExposeCmd(f, complete),
		change.NewLabelCmd(f, complete), change.NewAnnotateCmd(f, complete), change.NewPatchCmd(f, complete), change.NewEditCmd(f, complete),
		change.NewRolloutCmd(f, NewRestartCmd(f)), wait.NewCmd(f, complete), explain.NewCmd(f),
	}
}

// storedObjects reads "KIND NAME..." and "KIND/NAME..." for a command that changes objects.
func storedObjects(args []string) ([]find.Ref, error) {
	refs, err := find.Refs(args)
	for _, ref := range refs {
		if err == nil && !ref.Kind.Stored {
			err = cmdutil.UsageErr("shopctl restart SERVICE", "%s are made from Deployments and cannot be changed by themselves", ref.Kind.Plural)
		}
	}
	return refs, err
}

// completeObjects completes KIND and then the names of the shop's objects of that kind.
func completeObjects(f *cmdutil.Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if kind, _, ok := strings.Cut(toComplete, "/"); ok {
			var words []string
			for _, name := range objectNames(f.Shop, f.Namespace, cmd, kind) {
				words = append(words, kind+"/"+name)
			}
			return cmdutil.Without(words, args), cobra.ShellCompDirectiveNoFileComp
		}
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
