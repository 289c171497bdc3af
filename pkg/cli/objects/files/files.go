// Package files reads the manifests that commands are given by -f.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// ConnectFor connects to the daemon for a command that reads files.
type ConnectFor func(ctx context.Context, paths []string) (shop *control.Client, done func() error, err error)

// Flags are -f and -R of the commands that read manifests.
type Flags struct {
	Paths     []string
	recursive bool
	// kustomization is the directory of -k, build makes its objects.
	kustomization string
	build         func() (*controlpb.File, error)
	// Opened are the files that were read, "-" for standard input.
	Opened []string
	// check returns why a file may not be read.
	check func(path string) error
	// foreign: a lesson by another author runs the command.
	foreign bool
	// only is the namespace given by its flag, in which all objects must be; empty: none is. As in kubectl, a namespace
	// from the configuration is for objects that name none.
	only string
}

// Limit takes over the namespace that is given on the command line, and -k as one of the paths.
func (o *Flags) Limit(cmd *cobra.Command) {
	if o.kustomization != "" {
		o.build = func() (*controlpb.File, error) {
			if len(o.Paths) > 1 || o.recursive {
				return nil, cmdutil.UsageErr("leave out one of them", "only one of -f or -k can be specified")
			}
			if o.foreign {
				return nil, cmdutil.ForeignErr("-k runs another program")
			}
			return build(cmd.Context(), o.kustomization)
		}
		o.Paths = append([]string{o.kustomization}, o.Paths...)
	}
	if flag := cmd.Flag("namespace"); flag != nil && flag.Changed {
		o.only = flag.Value.String()
	}
}

// checkNamespaces refuses objects that name another namespace than the one given. What cannot be read is an error later.
func (o *Flags) checkNamespaces(files []*controlpb.File) error {
	if o.only == "" {
		return nil
	}
	for _, file := range files {
		manifests, err := decode.Decode(file.GetName(), file.GetContent())
		if err != nil {
			return nil
		}
		for _, m := range manifests {
			kind, err := resource.KindOf(m.Object)
			if found := m.Object.GetNamespace(); err == nil && kind.Namespaced && found != "" && found != o.only {
				return cmdutil.UsageErr("--namespace="+found, "the namespace from the provided object %q does not match the namespace %q. You must pass '--namespace=%s' to perform this operation", found, o.only, found)
			}
		}
	}
	return nil
}

// Add adds the flags to cmd.
func (o *Flags) Add(cmd *cobra.Command, f *cmdutil.Factory) {
	o.check, o.foreign = f.CheckFile, f.Foreign()
	cmd.Flags().StringVarP(&o.kustomization, "kustomize", "k", "", "`DIRECTORY` of a kustomization, built by the installed kustomize or kubectl")
	cmdutil.Must(cmd.MarkFlagDirname("kustomize"))
	cmd.Flags().StringArrayVarP(&o.Paths, "filename", "f", nil, "`FILE` or directory of YAML or JSON, or - for standard input; can be repeated")
	cmd.Flags().BoolVarP(&o.recursive, "recursive", "R", false, "process subdirectories as well")
	cmdutil.Must(cmd.MarkFlagFilename("filename", "yaml", "yml", "json"))
}

// Read returns the contents of the files named by the flags.
func (o *Flags) Read(in io.Reader) ([]*controlpb.File, error) {
	var files []*controlpb.File
	for i, path := range o.Paths {
		if i == 0 && o.build != nil {
			o.Opened = append(o.Opened, path)
			file, err := o.build()
			if err != nil {
				return nil, err
			}
			files = append(files, file)
			continue
		}
		if path == "-" {
			o.Opened = append(o.Opened, path)
			content, err := io.ReadAll(in)
			if err != nil {
				return nil, fmt.Errorf("read standard input: %w", err)
			}
			files = append(files, &controlpb.File{Name: "stdin", Content: content})
			continue
		}
		names, err := o.expand(path)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			o.Opened = append(o.Opened, name)
			if err := o.check(name); err != nil {
				return nil, err
			}
			content, err := os.ReadFile(name)
			if err != nil {
				return nil, cmdutil.HintErr(cmdutil.ExitUsage, "give -f a file, a directory or -", fmt.Errorf("read manifest: %w", err))
			}
			files = append(files, &controlpb.File{Name: name, Content: content})
		}
	}
	return files, o.checkNamespaces(files)
}

// expand lists the manifests of a directory in alphabetical order; a file expands to itself.
func (o *Flags) expand(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, cmdutil.HintErr(cmdutil.ExitUsage, "give -f a file, a directory or -", fmt.Errorf("read manifest: %w", err))
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var names []string
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != path && !o.recursive:
			return fs.SkipDir
		case !d.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(name))):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read directory: %w", err)
	}
	if len(names) == 0 {
		hint := "the extensions are .yaml, .yml and .json"
		if !o.recursive {
			hint += "; -R looks into directories below"
		}
		return nil, cmdutil.UsageErr(hint, "no manifests in %s", path)
	}
	return names, nil
}

// Decode reads the objects of files.
func Decode(files []*controlpb.File) ([]resource.Manifest, error) {
	var all []resource.Manifest
	for _, file := range files {
		manifests, err := decode.Decode(file.GetName(), file.GetContent())
		if err != nil {
			var problems resource.Problems
			errors.As(err, &problems)
			return nil, cmdutil.UsageErr(problems.Hint(), "%w", err)
		}
		all = append(all, manifests...)
	}
	return all, nil
}

// Refs are the objects in the files that the flags name, by their kinds and names.
func (o *Flags) Refs(in io.Reader) ([]find.Ref, error) {
	files, err := o.Read(in)
	if err != nil {
		return nil, err
	}
	return Refs(files)
}

// Refs are the objects of files, by their kinds and names.
func Refs(files []*controlpb.File) ([]find.Ref, error) {
	manifests, err := Decode(files)
	if err != nil {
		return nil, err
	}
	refs := make([]find.Ref, len(manifests))
	for i, m := range manifests {
		kind, err := find.Lookup(resource.KeyOf(m.Object).Kind)
		if err != nil {
			return nil, err
		}
		refs[i] = find.Ref{Kind: kind, Names: []string{m.Object.GetName()}, Namespace: m.Object.GetNamespace()}
	}
	return refs, nil
}
