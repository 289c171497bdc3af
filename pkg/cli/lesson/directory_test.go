package lesson_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

func TestADirectoryWithWhatALessonCannotContainIsRefusedByEveryCommand(t *testing.T) {
	for name, c := range map[string]struct {
		put  func(place string) error
		want string
	}{
		"a link to a device": {func(place string) error { return os.Symlink("/dev/zero", filepath.Join(place, "x.yaml")) }, "x.yaml: it is a symbolic link"},
		"a named pipe":       {func(place string) error { return syscall.Mkfifo(filepath.Join(place, "x.yaml"), 0o600) }, "x.yaml: it is a named pipe"},
		"a large file": {func(place string) error {
			if err := os.WriteFile(filepath.Join(place, "x.yaml"), nil, 0o600); err != nil {
				return err
			}
			return os.Truncate(filepath.Join(place, "x.yaml"), 1<<30)
		}, "x.yaml: it has 1024.0 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.Healthy()})
			dir := t.TempDir()
			w.Want(cmdutil.ExitOK, "lesson", "new", "--dir", dir, "communication/caching")
			place := filepath.Join(dir, "communication", "caching")
			if err := c.put(place); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"lesson", place, "--no-tui"}, {"lesson", "play", place}, {"lesson", "lint", place}} {
				w.Want(cmdutil.ExitUsage, args...)
				w.WantErr("read lessons in "+place+": "+c.want, "shopctl: hint: ls -l "+filepath.Join(place, "x.yaml"))
			}
		})
	}
}

func TestASignalEndsTheReadingOfADirectory(t *testing.T) {
	w := clitest.NewWorld(t)
	dir := t.TempDir()
	w.Want(cmdutil.ExitOK, "lesson", "new", "--dir", dir, "communication/caching")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cmdutil.ErrInterrupted)
	for _, verb := range []string{"lint", "play", "test"} {
		if code := cli.Execute(ctx, w.F, []string{"lesson", verb, filepath.Join(dir, "communication", "caching")}); code != cmdutil.ExitInterrupted {
			t.Errorf("%s: exit %d: %s", verb, code, w.Err.String())
		}
	}
}
