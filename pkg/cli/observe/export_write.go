package observe

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/observe/export"
)

// exportList is the file in the directory of an export that lists the exported files, one per line. Only these may
// be overwritten.
const exportList = ".shopctl-export"

// write writes all files and prints their paths, or writes none and returns an error.
func (o *exportOptions) write(files []export.File) error {
	own, err := o.exported()
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := o.mayWrite(filepath.Join(o.dir, file.Name), own[file.Name]); err != nil {
			return err
		}
	}
	for _, file := range files {
		own[file.Name] = true
	}
	list := export.File{Name: exportList, Content: []byte(strings.Join(slices.Sorted(maps.Keys(own)), "\n") + "\n")}
	for _, file := range append([]export.File{list}, files...) {
		path := filepath.Join(o.dir, file.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return cmdutil.HintErr(cmdutil.ExitFailed, "choose another --dir", fmt.Errorf("create directory: %w", err))
		}
		if err := os.WriteFile(path, file.Content, 0o644); err != nil {
			return cmdutil.HintErr(cmdutil.ExitFailed, "choose another --dir", fmt.Errorf("write file: %w", err))
		}
		if file.Name != exportList {
			fmt.Fprintln(o.ios.Out, path)
		}
	}
	o.ios.Notef("wrote %s to %s", humanize.Count(len(files), "file"), o.dir)
	return nil
}

// exported returns the names of the files that earlier exports wrote to the directory.
func (o *exportOptions) exported() (map[string]bool, error) {
	own := map[string]bool{}
	content, err := os.ReadFile(filepath.Join(o.dir, exportList))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, cmdutil.HintErr(cmdutil.ExitFailed, "choose another --dir", fmt.Errorf("read %s: %w", exportList, err))
	}
	for name := range strings.FieldsSeq(string(content)) {
		own[name] = true
	}
	return own, nil
}

// mayWrite returns an error for an existing file that must not be overwritten.
func (o *exportOptions) mayWrite(path string, own bool) error {
	_, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case !own:
		return cmdutil.HintErr(cmdutil.ExitFailed, "choose another --dir", fmt.Errorf("write %s: it exists and was not written by shopctl export", path))
	case !o.force:
		return cmdutil.HintErr(cmdutil.ExitFailed, "choose another --dir, or overwrite it with --force", fmt.Errorf("write %s: it exists already", path))
	}
	return nil
}
