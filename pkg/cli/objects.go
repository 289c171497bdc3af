package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/render"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

// ref names an object as kubectl does: "deployment.apps/cartservice".
func ref(o *controlpb.Object) string {
	kind := strings.ToLower(o.GetKind())
	if group, _, ok := strings.Cut(o.GetApiVersion(), "/"); ok {
		kind += "." + group
	}
	return kind + "/" + o.GetName()
}

// list holds several objects, as kubectl prints them.
type list struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Items      []json.RawMessage `json:"items"`
}

// printObjects writes objects as -o json, yaml or name. YAML is a stream that apply reads again; JSON is
// one object or, where several were asked for, a List.
func printObjects(ios *IO, format string, objects []*controlpb.Object, single bool) error {
	switch format {
	case formatName:
		for _, o := range objects {
			if _, err := fmt.Fprintln(ios.Out, ref(o)); err != nil {
				return err
			}
		}
		return nil
	case formatYAML:
		return printStream(ios, objects, false)
	}
	items := make([]json.RawMessage, len(objects))
	for i, o := range objects {
		typed, err := typedObject(o)
		if err != nil {
			return err
		}
		if items[i], err = render.ToJSON(typed); err != nil {
			return err
		}
	}
	if single && len(items) == 1 {
		return ios.Print(format, items[0], nil)
	}
	return ios.Print(format, list{APIVersion: "v1", Kind: "List", Items: items}, nil)
}

// printStream writes objects as YAML documents; clean ones lack what only the shop sets.
func printStream(ios *IO, objects []*controlpb.Object, clean bool) error {
	typed := make([]resource.Object, len(objects))
	for i, o := range objects {
		one, err := typedObject(o)
		if err != nil {
			return err
		}
		if clean {
			one = render.Clean(one)
		}
		typed[i] = one
	}
	text, err := render.ToYAML(typed...)
	if err != nil {
		return err
	}
	_, err = ios.Out.Write(text)
	return err
}

// printChanged writes objects that a command made or would make: by default one line each with what was
// done to it.
func printChanged(ios *IO, format string, objects []*controlpb.Object, done func(i int) string) error {
	if format != formatTable {
		return printObjects(ios, format, objects, true)
	}
	for i, o := range objects {
		if _, err := fmt.Fprintf(ios.Out, "%s %s\n", ref(o), done(i)); err != nil {
			return err
		}
	}
	return nil
}

// typedObject turns an object of the API into its type.
func typedObject(o *controlpb.Object) (resource.Object, error) {
	typed, err := resource.FromJSON(o.GetKind(), o.GetJson())
	var unsupported *resource.UnsupportedKindError
	if err != nil && !errors.As(err, &unsupported) {
		return nil, fmt.Errorf("decode %s: %w", ref(o), err)
	}
	return typed, err
}

// lookupKind finds the kind that word means.
func lookupKind(word string) (resource.Kind, error) {
	kind, err := resource.LookupKind(word)
	var unsupported *resource.UnsupportedKindError
	if errors.As(err, &unsupported) {
		return kind, usageErr(kindHint(word), "%w", err)
	}
	return kind, err
}

// kindHint leads from a word that is no kind to what may have been meant.
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
			return kind, nil, usageErr(kind.Singular()+"/"+arg, "read %q: want KIND/NAME like those before it", arg)
		case err != nil:
			return kind, nil, err
		case other.Name != kind.Name:
			return kind, nil, usageErr("shopctl get "+kind.Plural, "read %q: one kind at a time, here %s", arg, kind.Plural)
		}
		names = append(names, name)
	}
	return kind, names, nil
}

// completeObjects completes KIND and then the names of that kind that the shop has.
func completeObjects(f *Factory) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			var words []string
			for _, k := range resource.Kinds() {
				words = append(words, k.Plural)
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		}
		return without(objectNames(f, cmd, args[0]), args[1:]), cobra.ShellCompDirectiveNoFileComp
	}
}
