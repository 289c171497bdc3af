// Package explain implements "shopctl explain", with kubectl's flags and form.
package explain

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/explain"
	"github.com/shopctl/shopctl/pkg/suggest"
)

type options struct {
	ios       *iostreams.IO
	recursive bool
	version   string
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	o := &options{ios: f.IO}
	cmd := &cobra.Command{
		Use:   "explain KIND[.FIELD...]",
		Short: "Describe the fields of a kind",
		Long: `Describe a kind of objects or one of its fields, as kubectl does, and say which fields do nothing on this machine. The
descriptions are those of Kubernetes and Istio. No shop has to run.`,
		Example: `shopctl explain deployment
shopctl explain pods.spec.containers.readinessProbe
shopctl explain virtualservice.spec.http --recursive
shopctl explain destinationrule --api-version networking.istio.io/v1beta1`,
		Args:              cmdutil.Exactly(1, "a kind, such as deployment, or a field of it, such as deployment.spec.replicas"),
		ValidArgsFunction: complete,
		RunE:              func(_ *cobra.Command, args []string) error { return o.run(args[0]) },
	}
	cmd.Flags().BoolVarP(&o.recursive, "recursive", "R", false, "list the fields of all fields, by name and type")
	cmd.Flags().StringVar(&o.version, "api-version", "", "the `VERSION` of the kind (default: the one under which objects are stored)")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage)
}

func (o *options) run(arg string) error {
	word, rest, _ := strings.Cut(arg, ".")
	kind, err := find.Lookup(word)
	if err != nil {
		return err
	}
	target := explain.Target{Kind: kind.Name, Recursive: o.recursive, Note: notes(kind.Name)}
	if rest = strings.TrimSuffix(rest, "."); rest != "" {
		target.Path = strings.Split(rest, ".")
	}
	version := cmp.Or(o.version, kind.APIVersion)
	if served := versions(kind); !slices.Contains(served, version) {
		return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("explain "+arg+" --api-version "+served[0]), fmt.Errorf("couldn't find resource for %q in version %q", kind.Plural, version))
	}
	if group, v, ok := strings.Cut(version, "/"); ok {
		target.Group, target.Version = group, v
	} else {
		target.Version = version
	}
	d, err := explain.Load()
	if err != nil {
		return err
	}
	var text strings.Builder
	err = d.Write(&text, target)
	var unknown *explain.NoFieldError
	if errors.As(err, &unknown) {
		near := suggest.Match(unknown.Field, unknown.Known)
		hint := "explain " + word
		if near != "" {
			hint = "explain " + strings.TrimSuffix(arg, unknown.Field) + near
		}
		return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command(hint), err)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(o.ios.Out, text.String())
	return err
}

// versions are those of a kind that manifests may have, the stored one first.
func versions(kind find.Kind) []string {
	served := []string{kind.APIVersion}
	if k, err := resource.LookupKind(kind.Name); err == nil {
		served = append(served, k.AlsoServed...)
	}
	return served
}

// template is where a Deployment has what its pods are made from.
const template = "spec.template."

// notes says of the fields of a kind what is warned of when they are applied.
func notes(name string) func(path string) string {
	prefix := ""
	k, err := resource.LookupKind(name)
	if err != nil { // pods are not applied: their fields are those of a template
		prefix = template
		if k, err = resource.LookupKind(resource.KindDeployment); err != nil {
			return func(string) string { return "" }
		}
	}
	said := map[string]string{}
	for _, f := range slices.Concat(k.Inert(), k.Unfollowed()) {
		path := strings.NewReplacer("[]", "", "[*]", "").Replace(f.Field)
		if path, ok := strings.CutPrefix(path, prefix); ok {
			said[path] = f.Message
		}
	}
	return func(path string) string { return said[path] }
}

// complete completes kinds, and the fields behind the last dot.
func complete(_ *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	word, rest, dotted := strings.Cut(toComplete, ".")
	if !dotted {
		words := []string{"pods"}
		for _, k := range resource.Kinds() {
			words = append(words, k.Plural)
		}
		return words, directive
	}
	kind, err := find.Lookup(word)
	if err != nil {
		return nil, directive
	}
	d, err := explain.Load()
	if err != nil {
		return nil, directive
	}
	path := strings.Split(rest, ".")
	var words []string
	before := toComplete[:strings.LastIndex(toComplete, ".")+1]
	for _, name := range d.Fields(kind.Name, path[:len(path)-1]) {
		words = append(words, before+name)
	}
	return words, directive
}
