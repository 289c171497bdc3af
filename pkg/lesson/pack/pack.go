// Package pack reads the directory of a lesson that another author may have written: only regular files, only below that
// directory, and only so many of them. Reading one never waits for another process and never fills the memory.
package pack

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

// Limits of a directory of lessons, far above what the built-in ones need.
const (
	// MaxFiles is the number of files and directories.
	MaxFiles = 2000
	// MaxFile and MaxTotal are sizes in bytes.
	MaxFile = 1 << 20
	// MaxText is that of a Markdown file, which takes longer to read.
	MaxText  = 64 << 10
	MaxTotal = 16 << 20
	// MaxDepth is the number of directories above a file.
	MaxDepth = 12
)

// RefusedError is a file that a lesson cannot contain, or a directory beyond the limits.
type RefusedError struct {
	// Path is relative to the directory that was opened.
	Path string
	Why  string
}

func (e *RefusedError) Error() string { return e.Path + ": " + e.Why }

// FS is an opened directory. It is not safe for concurrent use.
type FS struct {
	root *os.Root
	// interrupted returns an error when reading is to end.
	interrupted func() error
	files       map[string]bool
	bytes       int64
}

var (
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.ReadFileFS = (*FS)(nil)
)

// Open opens a directory. Reading ends with the error of interrupted once it returns one; ctx.Err is such a function.
func Open(dir string, interrupted func() error) (*FS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &FS{root: root, interrupted: interrupted, files: map[string]bool{}}, nil
}

// Close closes the directory.
func (f *FS) Close() error { return f.root.Close() }

// Open implements fs.FS, for directories and for files that ReadFile would read.
func (f *FS) Open(name string) (fs.File, error) {
	if err := f.interrupted(); err != nil {
		return nil, err
	}
	seen, err := f.root.Lstat(name)
	if err == nil {
		err = check(name, seen)
	}
	if err != nil {
		return nil, err
	}
	// It may have been replaced: without O_NONBLOCK, opening a FIFO would wait for a writer.
	file, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !os.SameFile(seen, info) {
		err = &RefusedError{name, "it was replaced while it was read"}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// check refuses what is neither a directory nor a plain file of a moderate size.
func check(name string, info fs.FileInfo) error {
	mode := info.Mode()
	switch {
	case info.IsDir():
		return nil
	case mode&fs.ModeSymlink != 0:
		return &RefusedError{name, "it is a symbolic link; a lesson contains only regular files"}
	case mode&fs.ModeNamedPipe != 0:
		return &RefusedError{name, "it is a named pipe; a lesson contains only regular files"}
	case mode&fs.ModeSocket != 0:
		return &RefusedError{name, "it is a socket; a lesson contains only regular files"}
	case mode&fs.ModeDevice != 0:
		return &RefusedError{name, "it is a device; a lesson contains only regular files"}
	case !mode.IsRegular():
		return &RefusedError{name, "it is not a regular file"}
	case mode&(fs.ModeSetuid|fs.ModeSetgid) != 0:
		return &RefusedError{name, "it has the setuid or setgid bit; a lesson contains only plain files"}
	case path.Ext(name) == ".md" && info.Size() > MaxText:
		return &RefusedError{name, fmt.Sprintf("it has %.1f KiB; a text of a lesson has at most %d KiB", float64(info.Size())/(1<<10), MaxText>>10)}
	case info.Size() > MaxFile:
		return &RefusedError{name, fmt.Sprintf("it has %.1f MiB; a file of a lesson has at most %d MiB", float64(info.Size())/(1<<20), MaxFile>>20)}
	}
	return nil
}

// ReadFile implements fs.ReadFileFS.
func (f *FS) ReadFile(name string) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	// Not the size of the file decides: it may grow while it is read.
	limit := int64(MaxFile)
	if path.Ext(name) == ".md" {
		limit = MaxText
	}
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, &RefusedError{name, "it grew while it was read"}
	}
	if f.bytes += int64(len(content)); f.bytes > MaxTotal {
		return nil, &RefusedError{name, fmt.Sprintf("the files before it fill %d MiB, the most that is read; name the directory of one lesson", MaxTotal>>20)}
	}
	return content, nil
}

// batch is how many entries of a directory are read at a time.
const batch = 256

// ReadDir implements fs.ReadDirFS.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	if strings.Count(name, "/") >= MaxDepth {
		return nil, &RefusedError{name, fmt.Sprintf("it lies more than %d directories deep", MaxDepth)}
	}
	opened, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	dir, ok := opened.(fs.ReadDirFile)
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	var all []fs.DirEntry
	for {
		entries, err := dir.ReadDir(batch)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		for _, e := range entries {
			f.files[path.Join(name, e.Name())] = true
		}
		if len(f.files) > MaxFiles {
			return nil, &RefusedError{name, fmt.Sprintf("it contains more than the %d files that are read; name the directory of one lesson", MaxFiles)}
		}
		all = append(all, entries...)
		if err != nil || len(entries) == 0 {
			return sorted(all), nil
		}
		if err := f.interrupted(); err != nil {
			return nil, err
		}
	}
}

func sorted(entries []fs.DirEntry) []fs.DirEntry {
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries
}
