package lesson

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// makeWorkspace copies the lesson's files to where the learner edits them. A file that is there already
// stays: it is the learner's work.
func makeWorkspace(l *Lesson, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create workspace: %w", err)
	}
	for name, content := range l.Files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Stat(path); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("create workspace: %w", err)
		}
		if err := writeFile(path, content); err != nil {
			return fmt.Errorf("create workspace: %w", err)
		}
	}
	return nil
}

// resetWorkspace restores the lesson's files. The learner's versions are kept next to them.
func resetWorkspace(l *Lesson, dir string, now time.Time) (kept []string, err error) {
	for name, content := range l.Files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		old, readErr := os.ReadFile(path)
		if readErr == nil && bytes.Equal(old, content) {
			continue
		}
		if readErr == nil {
			aside := path + ".before-" + now.Format("150405")
			if err := os.Rename(path, aside); err != nil {
				return nil, fmt.Errorf("reset workspace: %w", err)
			}
			kept = append(kept, filepath.Base(aside))
		}
		if err := writeFile(path, content); err != nil {
			return nil, fmt.Errorf("reset workspace: %w", err)
		}
	}
	slices.Sort(kept)
	return kept, nil
}

// Write puts a file into the workspace, as the learner's editor would.
func (s *Session) Write(name string, content []byte) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("write %s: it is outside of the workspace", name)
	}
	if err := writeFile(filepath.Join(s.deps.Workspace, name), content); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}
