package export

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

// file is one file to write. Its name is a path within the directory of the export; others must not read a private one.
type file struct {
	name    string
	content []byte
	private bool
}

// writeConfig writes configuration, which anybody may read.
func (o *options) writeConfig(files []export.File) error {
	all := make([]file, len(files))
	for i, f := range files {
		all[i] = file{name: f.Name, content: f.Content}
	}
	return o.write(all, "")
}

// write writes all files and prints their paths, or writes none and returns an error. What an earlier export wrote below the
// directory stale and this one does not is removed; empty: nothing is.
func (o *options) write(files []file, stale string) error {
	own, err := o.exported()
	if err != nil {
		return err
	}
	now := map[string]bool{}
	for _, f := range files {
		if !filepath.IsLocal(f.name) {
			return fmt.Errorf("write %q: it is not a path within the directory", f.name)
		}
		if err := o.mayWrite(filepath.Join(o.dir, f.name), own[f.name]); err != nil {
			return err
		}
		now[f.name] = true
	}
	if err := o.removeStale(own, now, stale); err != nil {
		return err
	}
	maps.Copy(own, now)
	list := file{name: exportList, content: []byte(strings.Join(slices.Sorted(maps.Keys(own)), "\n") + "\n")}
	for _, f := range append([]file{list}, files...) {
		path := filepath.Join(o.dir, f.name)
		if err := f.write(path); err != nil {
			return cmdutil.HintErr(cmdutil.ExitFailed, "choose another --dir", err)
		}
		if f.name != exportList {
			fmt.Fprintln(o.ios.Out, path)
		}
	}
	o.ios.Notef("wrote %s to %s", humanize.Count(len(files), "file"), o.dir)
	return nil
}

// write writes the file to its path.
func (f file) write(path string) error {
	mode := fs.FileMode(0o644)
	if f.private {
		mode = 0o600
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("create directory: %w", err)
	}
	if f.private { // an earlier file keeps its mode
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("write file: %w", err)
		}
	}
	if err := os.WriteFile(path, f.content, mode); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return nil
}

// removeStale removes the files of an earlier export below a directory that are no longer written, and forgets them.
func (o *options) removeStale(own, now map[string]bool, dir string) error {
	for name := range own {
		if dir == "" || now[name] || !strings.HasPrefix(name, dir+"/") || !filepath.IsLocal(name) {
			continue
		}
		if err := os.Remove(filepath.Join(o.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cmdutil.HintErr(cmdutil.ExitFailed, "choose another --dir", fmt.Errorf("remove what an earlier export wrote: %w", err))
		}
		delete(own, name)
	}
	return nil
}

// exported returns the names of the files that earlier exports wrote to the directory.
func (o *options) exported() (map[string]bool, error) {
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
func (o *options) mayWrite(path string, own bool) error {
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
