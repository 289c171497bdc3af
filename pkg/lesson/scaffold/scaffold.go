// Package scaffold creates a new lesson: a small experiment that passes its tests at once, with marks where its author
// has to write. An author who replaces one piece after the other always has a lesson that runs.
package scaffold

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
)

//go:embed template
var templates embed.FS

// files are the pieces of a lesson and where they belong.
var files = [...]struct{ template, path string }{
	{"lesson.md", "lesson.md"},
	{"solution.txtar", "testdata/solution.txtar"},
	{"wrong-first.txtar", "testdata/wrong-first.txtar"},
}

// name matches names of tracks and lessons: they are typed, and part of file names.
var name = lazyregexp.New(`^[a-z0-9][a-z0-9-]{0,39}$`)

// ErrExists means that the lesson's directory exists already.
var ErrExists = errors.New("it exists already")

// Write makes a lesson in root/track/slug and returns the files that it wrote. It never overwrites.
func Write(root, track, slug string) ([]string, error) {
	for _, word := range []string{track, slug} {
		if !name().MatchString(word) {
			return nil, fmt.Errorf("name %q: use lower case letters, digits and dashes", word)
		}
	}
	dir := filepath.Join(root, track, slug)
	if _, err := os.Lstat(dir); err == nil {
		return nil, fmt.Errorf("make %s: %w", dir, ErrExists)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("create lesson: %w", err)
	}
	var written []string
	for _, f := range files {
		text, err := fs.ReadFile(templates, "template/"+f.template)
		if err != nil {
			return written, fmt.Errorf("create lesson: %w", err)
		}
		filled := strings.NewReplacer("{{slug}}", slug, "{{track}}", track).Replace(string(text))
		path := filepath.Join(dir, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return written, fmt.Errorf("create lesson: %w", err)
		}
		if err := os.WriteFile(path, []byte(filled), 0o644); err != nil {
			return written, fmt.Errorf("create lesson: %w", err)
		}
		written = append(written, path)
	}
	return written, nil
}
