// Package create implements the verbs of kubectl that send whole objects: create with its generators, replace and expose.
package create

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/files"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// options are shared by all verbs.
type options struct {
	ios        *iostreams.IO
	connect    files.ConnectFor
	checkFile  func(path string) error
	namespace  func() string
	dryRun     string
	format     string
	saveConfig bool
	// done is the word that reports an object: "created".
	done string
}

func newOptions(f *cmdutil.Factory, done string) *options {
	return &options{ios: f.IO, connect: f.ConnectFor, checkFile: f.CheckFile, namespace: f.Namespace, done: done}
}

func (o *options) add(cmd *cobra.Command) *cobra.Command {
	edit.AddDryRun(cmd, &o.dryRun, edit.DryRunClient, "change nothing: client needs no shop, server checks in the shop")
	cmdutil.AddOutput(cmd, &o.format)
	cmd.Flags().BoolVar(&o.saveConfig, "save-config", false, "keep the object in its annotation, so that apply can take it over")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

// NewCmd returns the command create.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	o, read := newOptions(f, "created"), files.Flags{}
	cmd := &cobra.Command{
		Use:   "create -f FILE",
		Short: "Create objects, from manifests or by kind",
		Long: `Create objects from manifests, all or none; one that exists is an error. The commands below create an object of a kind
from flags; with --dry-run=client -o yaml, they write a manifest to begin with.`,
		Example: "shopctl create -f catalog.yaml\nshopctl create deployment web --image web --port 8080 --dry-run=client -o yaml",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noGenerator(cmd, args[0])
			}
			read.Limit(cmd)
			return o.fromFiles(cmd.Context(), &read, &controlpb.ApplyRequest{Create: true})
		},
	}
	read.Add(cmd, f)
	cmd.AddCommand(newConfigMapCmd(f), newSecretCmd(f), newDeploymentCmd(f), newServiceCmd(f), newNamespaceCmd(f), newServiceAccountCmd(f))
	return o.add(cmd)
}

// noGenerator is the error for a word after create that is no kind to be made from flags.
func noGenerator(cmd *cobra.Command, word string) error {
	kind, err := resource.LookupKind(word)
	var unsupported *resource.UnsupportedKindError
	switch {
	case err == nil:
		return cmdutil.UsageErr("shopctl create -f FILE", "create %s: it has no flags of its own; write a manifest", kind.Singular())
	case errors.As(err, &unsupported) && unsupported.Advice() != "":
		return cmdutil.UsageErr("shopctl create --help", "create %s: %w", word, err)
	}
	return cmdutil.UnknownCommand(cmd, word)
}

// fromFiles sends the objects of files as the request says.
func (o *options) fromFiles(ctx context.Context, read *files.Flags, req *controlpb.ApplyRequest) error {
	if len(read.Paths) == 0 {
		return cmdutil.UsageErr("-f FILE", "missing flag: -f with a file, a directory or -")
	}
	var err error
	if req.Files, err = read.Read(o.ios.In); err != nil {
		return err
	}
	if o.saveConfig || o.dryRun == edit.DryRunClient {
		manifests, err := files.Decode(req.GetFiles())
		if err != nil {
			return err
		}
		objects := make([]resource.Object, len(manifests))
		for i, m := range manifests {
			objects[i] = m.Object
		}
		return o.send(ctx, read.Opened, req, objects...)
	}
	return o.apply(ctx, read.Opened, req)
}

// create creates objects that were made from flags. opened are the files that were read for them.
func (o *options) create(ctx context.Context, opened []string, objects ...resource.Object) error {
	return o.send(ctx, opened, &controlpb.ApplyRequest{Create: true}, objects...)
}

// send sends objects as the request says.
func (o *options) send(ctx context.Context, opened []string, req *controlpb.ApplyRequest, objects ...resource.Object) error {
	req.Files = nil
	for _, object := range objects {
		kind, err := resource.KindOf(object)
		if err != nil {
			return err
		}
		kind.SetType(object)
		if o.saveConfig {
			if err := save(object); err != nil {
				return err
			}
		}
		content, err := json.Marshal(object)
		if err != nil {
			return fmt.Errorf("encode %s: %w", resource.KeyOf(object), err)
		}
		req.Files = append(req.Files, &controlpb.File{Content: content})
	}
	if o.dryRun == edit.DryRunClient {
		return o.printHere(objects)
	}
	return o.apply(ctx, opened, req)
}

// save keeps an object in its annotation, as apply does.
func save(object resource.Object) error {
	text, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encode %s: %w", resource.KeyOf(object), err)
	}
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[corev1.LastAppliedConfigAnnotation] = string(text)
	object.SetAnnotations(annotations)
	return nil
}

// printHere reports objects that are not sent, once they are found to be valid by themselves.
func (o *options) printHere(objects []resource.Object) error {
	applied := make([]*controlpb.AppliedObject, len(objects))
	for i, object := range objects {
		kind, err := resource.KindOf(object)
		if err != nil {
			return err
		}
		whole := resource.Clone(object)
		kind.Default(whole)
		if issues := kind.Check(whole); len(issues) > 0 {
			m, err := resource.NewManifest(object)
			if err != nil {
				return err
			}
			problems := m.Problems(issues)
			return cmdutil.UsageErr(problems.Hint(), "%w", problems)
		}
		text, err := json.Marshal(object)
		if err != nil {
			return fmt.Errorf("encode %s: %w", resource.KeyOf(object), err)
		}
		applied[i] = &controlpb.AppliedObject{Action: "configured", Object: &controlpb.Object{
			ApiVersion: kind.APIVersion, Kind: kind.Name, Namespace: object.GetNamespace(), Name: object.GetName(), Json: text,
		}}
	}
	return edit.PrintApplied(o.ios, o.format, applied, o.done, o.dryRun)
}

func (o *options) apply(ctx context.Context, opened []string, req *controlpb.ApplyRequest) error {
	shop, done, err := o.connect(ctx, opened)
	if err != nil {
		return err
	}
	defer done()
	req.Replace, req.Namespace, req.DryRun = true, o.namespace(), o.dryRun == edit.DryRunServer
	req.Unchanged = req.GetExisting() // the version in the manifest of a new object is that of another one
	resp, err := shop.Apply(ctx, req)
	if err != nil {
		return err
	}
	for _, w := range resp.GetWarnings() {
		o.ios.PrintLines("warning", w)
	}
	for _, a := range resp.GetObjects() {
		a.Action = "configured" // PrintApplied has the verb's own word for it
	}
	return edit.PrintApplied(o.ios, o.format, resp.GetObjects(), o.done, o.dryRun)
}

// named is the one NAME among the arguments.
func named(args []string) error {
	if len(args) != 1 {
		return cmdutil.UsageErr("NAME", "exactly one NAME is required, got %d", len(args))
	}
	return nil
}

// generator is a command that creates an object of a kind from flags. build returns the object and the files that it read.
func generator(f *cmdutil.Factory, cmd *cobra.Command, build func(name string) (object resource.Object, opened []string, err error)) *cobra.Command {
	o := newOptions(f, "created")
	if cmd.Args == nil {
		cmd.Args = func(_ *cobra.Command, args []string) error { return named(args) }
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		object, opened, err := build(args[0])
		if err != nil {
			return err
		}
		if flag := cmd.Flag("namespace"); flag != nil && flag.Changed && !isNamespace(object) {
			object.SetNamespace(flag.Value.String())
		}
		return o.create(cmd.Context(), opened, object)
	}
	return o.add(cmd)
}

func isNamespace(object resource.Object) bool {
	_, ok := object.(*corev1.Namespace)
	return ok
}
