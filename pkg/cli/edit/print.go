package edit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/render"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Values of --dry-run.
const (
	DryRunNone   = "none"
	DryRunClient = "client"
	DryRunServer = "server"
)

// AddDryRun adds --dry-run to cmd. without is its value where it is given without one.
func AddDryRun(cmd *cobra.Command, value *string, without, usage string) {
	*value = DryRunNone
	allowed := []string{DryRunNone, DryRunClient, DryRunServer}
	cmd.Flags().Var(&cmdutil.EnumFlag{Value: value, Allowed: allowed, Kind: "WHERE"}, "dry-run", usage)
	cmd.Flags().Lookup("dry-run").NoOptDefVal = without
	cmdutil.CompleteWords(cmd, "dry-run", allowed...)
}

// PrintApplied reports the change to each object; verb replaces "configured" where a command has its own word.
func PrintApplied(ios *iostreams.IO, format string, applied []*controlpb.AppliedObject, verb, dryRun string) error {
	objects := make([]*controlpb.Object, len(applied))
	for i, a := range applied {
		objects[i] = a.GetObject()
	}
	if format == iostreams.FormatYAML && dryRun != DryRunNone {
		return printStream(ios, objects)
	}
	return printChanged(ios, format, objects, func(i int) string {
		done := applied[i].GetAction()
		if verb != "" && done == "configured" {
			done = verb
		}
		if dryRun != DryRunNone {
			done += " (" + dryRun + " dry run)"
		}
		return done
	})
}

// Ref names an object as kubectl does: "deployment.apps/cartservice".
func Ref(o *controlpb.Object) string {
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

// TypedRef is Ref for a typed object.
func TypedRef(o resource.Object) string {
	version, kind := o.GetObjectKind().GroupVersionKind().ToAPIVersionAndKind()
	return Ref(&controlpb.Object{ApiVersion: version, Kind: kind, Name: o.GetName()})
}

// PrintObjects is PrintTyped for objects of the API.
func PrintObjects(ios *iostreams.IO, format string, objects []*controlpb.Object, single bool) error {
	typed := make([]resource.Object, len(objects))
	for i, o := range objects {
		one, err := TypedObject(o)
		if err != nil {
			return err
		}
		typed[i] = one
	}
	return PrintTyped(ios, format, typed, single)
}

// PrintTyped writes objects as -o json, yaml or name: one object, or a List if several were requested. apply can read both.
func PrintTyped(ios *iostreams.IO, format string, objects []resource.Object, single bool) error {
	switch format {
	case iostreams.FormatName:
		for _, o := range objects {
			if _, err := fmt.Fprintln(ios.Out, iostreams.OneLine(TypedRef(o))); err != nil {
				return err
			}
		}
		return nil
	case iostreams.FormatYAML:
		text, err := render.ToYAMLList(objects...)
		if single && len(objects) == 1 {
			text, err = render.ToYAML(objects...)
		}
		if err != nil {
			return err
		}
		return ios.Out.WriteDocument(text)
	}
	items := make([]json.RawMessage, len(objects))
	for i, o := range objects {
		var err error
		if items[i], err = render.ToJSON(o); err != nil {
			return err
		}
	}
	if single && len(items) == 1 {
		return ios.Print(format, items[0], nil)
	}
	return ios.Print(format, list{APIVersion: "v1", Kind: "List", Items: items}, nil)
}

// printStream writes objects as YAML documents without server-managed fields.
func printStream(ios *iostreams.IO, objects []*controlpb.Object) error {
	typed := make([]resource.Object, len(objects))
	for i, o := range objects {
		one, err := TypedObject(o)
		if err != nil {
			return err
		}
		typed[i] = render.Clean(one)
	}
	text, err := render.ToYAML(typed...)
	if err != nil {
		return err
	}
	return ios.Out.WriteDocument(text)
}

// printChanged writes objects that a command changed or would change: by default one line each with its change.
func printChanged(ios *iostreams.IO, format string, objects []*controlpb.Object, done func(i int) string) error {
	if format != iostreams.FormatTable {
		return PrintObjects(ios, format, objects, true)
	}
	for i, o := range objects {
		if _, err := fmt.Fprintf(ios.Out, "%s %s\n", iostreams.OneLine(Ref(o)), done(i)); err != nil {
			return err
		}
	}
	return nil
}

// TypedObject decodes an object of the API.
func TypedObject(o *controlpb.Object) (resource.Object, error) {
	typed, err := resource.FromJSON(o.GetKind(), o.GetJson())
	var unsupported *resource.UnsupportedKindError
	if err != nil && !errors.As(err, &unsupported) {
		return nil, fmt.Errorf("decode %s: %w", Ref(o), err)
	}
	return typed, err
}

// ObjectsOf returns objects of one type.
func ObjectsOf[T resource.Object](ctx context.Context, shop *control.Client, r *controlpb.GetRequest) ([]T, error) {
	resp, err := shop.Get(ctx, r)
	if err != nil {
		return nil, err
	}
	var objects []T
	for _, o := range resp.GetObjects() {
		typed, err := TypedObject(o)
		if err != nil {
			return nil, err
		}
		if t, ok := typed.(T); ok {
			objects = append(objects, t)
		}
	}
	return objects, nil
}
