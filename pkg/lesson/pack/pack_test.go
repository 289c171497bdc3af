package pack_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson/pack"
)

// readAll reads a directory as the loader of lessons does.
func readAll(dir string, interrupted func() error) error {
	opened, err := pack.Open(dir, interrupted)
	if err != nil {
		return err
	}
	defer opened.Close()
	return fs.WalkDir(opened, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		_, err = fs.ReadFile(opened, name)
		return err
	})
}

func never() error { return nil }

func write(t *testing.T, path string, size int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyPlainFilesWithinLimitsAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string)
		want    string // "": it is read
	}{
		"plain files": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "lesson.md"), 10)
			write(t, filepath.Join(dir, "testdata", "solution.txtar"), pack.MaxFile)
		}, ""},
		"a link to a device":         {func(t *testing.T, dir string) { link(t, "/dev/zero", filepath.Join(dir, "a.yaml")) }, "a.yaml: it is a symbolic link"},
		"a link to a file elsewhere": {func(t *testing.T, dir string) { link(t, "/etc/passwd", filepath.Join(dir, "a.yaml")) }, "a.yaml: it is a symbolic link"},
		"a link to a file beside it": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "b.yaml"), 1)
			link(t, "b.yaml", filepath.Join(dir, "a.yaml"))
		}, "a.yaml: it is a symbolic link"},
		"a link to a directory": {func(t *testing.T, dir string) { link(t, "/etc", filepath.Join(dir, "etc")) }, "etc: it is a symbolic link"},
		"a link to itself":      {func(t *testing.T, dir string) { link(t, "a.yaml", filepath.Join(dir, "a.yaml")) }, "a.yaml: it is a symbolic link"},
		"a named pipe": {func(t *testing.T, dir string) {
			if err := syscall.Mkfifo(filepath.Join(dir, "lesson.md"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "lesson.md: it is a named pipe"},
		"a socket": {func(t *testing.T, dir string) {
			l, err := net.Listen("unix", filepath.Join(dir, "s"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
		}, "s: it is a socket"},
		"a setuid program": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "run"), 1)
			if err := os.Chmod(filepath.Join(dir, "run"), fs.ModeSetuid|0o700); err != nil {
				t.Fatal(err)
			}
		}, "run: it has the setuid or setgid bit"},
		"a sparse file of a gigabyte": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "big.yaml"), 0)
			if err := os.Truncate(filepath.Join(dir, "big.yaml"), 1<<30); err != nil {
				t.Fatal(err)
			}
		}, "big.yaml: it has 1024.0 MiB; a file of a lesson has at most 1 MiB"},
		"a long text": {func(t *testing.T, dir string) { write(t, filepath.Join(dir, "lesson.md"), pack.MaxText+1) }, "lesson.md: it has 64.0 KiB; a text of a lesson has at most 64 KiB"},
		"many large files": {func(t *testing.T, dir string) {
			for i := range pack.MaxTotal/pack.MaxFile + 1 {
				write(t, filepath.Join(dir, fmt.Sprintf("%02d", i)), pack.MaxFile)
			}
		}, "16: the files before it fill 16 MiB"},
		"many files": {func(t *testing.T, dir string) {
			for i := range pack.MaxFiles + 1 {
				write(t, filepath.Join(dir, fmt.Sprint(i)), 0)
			}
		}, ".: it contains more than the 2000 files"},
		"many directories": {func(t *testing.T, dir string) {
			for i := range pack.MaxFiles + 1 {
				if err := os.Mkdir(filepath.Join(dir, fmt.Sprint(i)), 0o700); err != nil {
					t.Fatal(err)
				}
			}
		}, ".: it contains more than the 2000 files"},
		"a deep directory": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, strings.Repeat("d/", 40), "x"), 1)
		}, "it lies more than 12 directories deep"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.prepare(t, dir)
			err := readAll(dir, never)
			var refused *pack.RefusedError
			if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func TestReadingEndsWhenItIsInterrupted(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "lesson.md"), 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := readAll(dir, ctx.Err); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
