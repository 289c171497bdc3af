// Package volumedir writes the files of volumes into directories of this machine.
package volumedir

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Modes are those of what is written.
type Modes struct{ Dir, File fs.FileMode }

// Private is for the user alone, and Shared for the users of containers: a directory above keeps others away.
var (
	Private = Modes{0o700, 0o600}
	Shared  = Modes{0o755, 0o644}
)

// Write writes files, by their paths below root, and never removes what is there. A reader sees the old content of a file or the
// new one. fill, if it is not nil, completes the contents.
func Write(root string, files map[string][]byte, m Modes, fill func(string) string) error {
	if err := MkdirAll(root, m.Dir); err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := MkdirAll(filepath.Dir(path), m.Dir); err != nil {
			return err
		}
		if fill != nil {
			content = []byte(fill(string(content)))
		}
		if err := replace(path, content, m.File); err != nil {
			return err
		}
	}
	return nil
}

// replace writes a file that may be read meanwhile.
func replace(path string, content []byte, mode fs.FileMode) error {
	half := filepath.Join(filepath.Dir(path), ".half."+filepath.Base(path))
	if err := os.WriteFile(half, content, mode); err != nil {
		return err
	}
	if err := os.Chmod(half, mode); err != nil { // the umask may have taken bits
		return err
	}
	return os.Rename(half, path)
}

// MkdirAll makes a directory with those above it, whatever the umask, and gives it its mode.
func MkdirAll(dir string, mode fs.FileMode) error {
	if err := os.MkdirAll(dir, 0o700|mode); err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}
