package objects

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// connectFor connects to the daemon for a command that reads files.
type connectFor func(ctx context.Context, paths []string) (shop *control.Client, done func() error, err error)

// fileFlags are -f and -R of the commands that read manifests.
type fileFlags struct {
	paths     []string
	recursive bool
	// opened are the files that were read, "-" for standard input.
	opened []string
	// check returns why a file may not be read.
	check func(path string) error
	// only is the namespace given by its flag, in which all objects must be; empty: none is. As in kubectl, a namespace
	// from the configuration is for objects that name none.
	only string
}

// limit takes over the namespace that is given on the command line.
func (o *fileFlags) limit(cmd *cobra.Command) {
	if flag := cmd.Flag("namespace"); flag != nil && flag.Changed {
		o.only = flag.Value.String()
	}
}

// checkNamespaces refuses objects that name another namespace than the one given. What cannot be read is an error later.
func (o *fileFlags) checkNamespaces(files []*controlpb.File) error {
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

func (o *fileFlags) add(cmd *cobra.Command, f *cmdutil.Factory) {
	o.check = f.CheckFile
	cmd.Flags().StringArrayVarP(&o.paths, "filename", "f", nil, "`FILE` or directory of YAML or JSON, or - for standard input; can be repeated")
	cmd.Flags().BoolVarP(&o.recursive, "recursive", "R", false, "process subdirectories as well")
	cmdutil.Must(cmd.MarkFlagFilename("filename", "yaml", "yml", "json"))
}

// read returns the contents of the files named by the flags.
func (o *fileFlags) read(in io.Reader) ([]*controlpb.File, error) {
	var files []*controlpb.File
	for _, path := range o.paths {
		if path == "-" {
			o.opened = append(o.opened, path)
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
			o.opened = append(o.opened, name)
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
func (o *fileFlags) expand(path string) ([]string, error) {
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
