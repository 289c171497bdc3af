package rundir

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// ownName is a pattern of path.Match for files that shopctl makes in a shop's directory.
type ownName struct {
	pattern string
	// dir: it is a directory. A file in place of a directory is not ours, nor the reverse.
	dir bool
	// files are what is removed below a directory; nil: all of it.
	files []ownName
}

// runNames and stateNames are all that shopctl makes directly in the two directories, and all that it removes from
// them. A new file needs a line here.
func runNames() []ownName {
	return []ownName{
		{pattern: markerName},
		{pattern: lockName},
		{pattern: pidsName},
		{pattern: pidsName + ".tmp"},
		{pattern: engineName},
		{pattern: socketName},
		{pattern: meshName, dir: true},
		{pattern: probePattern},
	}
}

func stateNames() []ownName {
	// The directory of a workload or a claim is its own, whatever it keeps there. Files beside it are not ours.
	perNamespace := []ownName{{pattern: "*", dir: true, files: []ownName{{pattern: "*", dir: true}}}}
	names := []ownName{
		{pattern: markerName},
		{pattern: probePattern},
		{pattern: daemonLogName},
		{pattern: daemonLogName + previousSuffix},
		{pattern: logsName, dir: true, files: []ownName{{pattern: "*.log"}, {pattern: "*.log.[0-9]"}}},
		{pattern: logsName + previousSuffix, dir: true, files: []ownName{{pattern: "*.log"}, {pattern: "*.log.[0-9]"}}},
		{pattern: dataName, dir: true, files: perNamespace},
		{pattern: claimsName, dir: true, files: perNamespace},
		{pattern: volumesName, dir: true, files: []ownName{{pattern: "*", dir: true}}},
		{pattern: meshName, dir: true},
	}
	for _, objects := range []string{ObjectsName, MonolithObjectsName} {
		for _, suffix := range []string{"", ".tmp", ".corrupt-*", ".old"} {
			names = append(names, ownName{pattern: objects + suffix})
		}
	}
	return names
}

// find returns the pattern of names that e matches. A symbolic link matches none.
func find(names []ownName, e fs.DirEntry) (ownName, bool) {
	if e.Type()&fs.ModeSymlink != 0 {
		return ownName{}, false
	}
	for _, n := range names {
		if ok, _ := path.Match(n.pattern, e.Name()); ok && n.dir == e.IsDir() {
			return n, true
		}
	}
	return ownName{}, false
}

// isOwnName reports whether a file or a directory of ours would have this name.
func isOwnName(names []ownName, name string) bool {
	return slices.ContainsFunc(names, func(n ownName) bool {
		ok, _ := path.Match(n.pattern, name)
		return ok
	})
}

// removeOwn removes what matches names from dir, except the files called keep. It reports whether anything else is
// in dir.
func removeOwn(dir string, names []ownName, keep ...string) (others bool, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, ignoreMissing(err)
	}
	var errs []error
	for _, e := range entries {
		if slices.Contains(keep, e.Name()) {
			continue
		}
		n, ok := find(names, e)
		if !ok {
			others = true
			continue
		}
		left, err := n.remove(filepath.Join(dir, e.Name()))
		others = others || left
		errs = append(errs, err)
	}
	return others, errors.Join(errs...)
}

// remove removes one entry, and reports whether files that are not ours remain below it.
func (n ownName) remove(at string) (left bool, err error) {
	switch {
	case !n.dir:
		return false, ignoreMissing(os.Remove(at))
	case n.files == nil:
		return false, os.RemoveAll(at)
	}
	left, err = removeOwn(at, n.files)
	if !left && err == nil {
		err = ignoreMissing(os.Remove(at))
	}
	return left, err
}

// adoptable reports whether an unmarked directory is empty, or one that shopctl made before there were marks; else it
// returns an entry that is not ours. The names of our directories are common ones (data, logs), so that they prove
// nothing unless one of our files is beside them.
func adoptable(dir string, names []ownName, entries []fs.DirEntry) (foreign string, ok bool) {
	proof := false
	for _, e := range entries {
		n, ours := find(names, e)
		at := filepath.Join(dir, e.Name())
		switch {
		case !ours, e.Name() == lockName && !isLock(at):
			return e.Name(), false
		case !n.dir:
			proof = true
		case !isEmpty(at):
			foreign = e.Name()
		}
	}
	return foreign, proof || foreign == ""
}

func isEmpty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

// isLock reports whether a file contains a process id, or nothing yet.
func isLock(file string) bool {
	info, err := os.Lstat(file)
	if err != nil || info.Size() > 32 {
		return false
	}
	content, err := os.ReadFile(file)
	return err == nil && strings.Trim(string(content), "0123456789\n") == ""
}
