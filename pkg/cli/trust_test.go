package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// inDirectory is a command line in a directory with a shopctl.yaml that runs a program.
func inDirectory(t *testing.T) *clitest.World {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, "shopctl.yaml", "images: {mine: [./mine, --flag]}\n")
	return clitest.NewWorld(t)
}

func TestUpAsksOnceAboutTheConfigurationOfADirectory(t *testing.T) {
	w := inDirectory(t)
	up := func(answer string) string {
		w.F.IO.InTTY, w.F.IO.ErrTTY = true, true
		w.F.IO.In = strings.NewReader(answer)
		w.Run("up")
		return w.Err.String()
	}
	const question = "image mine runs: ./mine --flag\nAllow this? [y/N] "
	for _, answer := range []string{"", "\n", "n\n", "perhaps\n"} {
		if text := up(answer); !strings.Contains(text, question) || !strings.Contains(text, "was not allowed to run programs") {
			t.Errorf("%q: %s", answer, text)
		}
	}
	if text := up("Yes\n"); !strings.Contains(text, question) || strings.Contains(text, "was not allowed") {
		t.Errorf("yes: %s", text)
	}
	if text := up(""); strings.Contains(text, "Allow this?") {
		t.Errorf("asked again: %s", text)
	}
	write(t, "shopctl.yaml", "images: {mine: [./mine, --other]}\n")
	if text := up("n\n"); !strings.Contains(text, "runs: ./mine --other\nAllow this?") {
		t.Errorf("a file that has changed: %s", text)
	}
}

func TestAnImageOfABuiltinServiceIsNotAskedAbout(t *testing.T) {
	w := inDirectory(t)
	write(t, "shopctl.yaml", "images: {ad: [./other], shopctl/catalog: [./other], mine: [./mine]}\n")
	w.Want(cmdutil.ExitOK, "config", "trust")
	if text := w.Err.String(); !strings.Contains(text, "image mine runs: ./mine") || strings.Contains(text, "./other") {
		t.Errorf("listed %s", text)
	}
	write(t, "shopctl.yaml", "images: {ad: [./other]}\n")
	w.Want(cmdutil.ExitOK, "config", "trust")
	w.WantErr("runs no programs")
}

func TestACopyOfAnAllowedConfigurationElsewhereIsNotAllowed(t *testing.T) {
	w := inDirectory(t)
	w.Want(cmdutil.ExitOK, "config", "trust")
	text, err := os.ReadFile("shopctl.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	write(t, "shopctl.yaml", string(text))
	w.Want(cmdutil.ExitUsage, "up")
	w.WantErr("was not allowed to run programs", "image mine runs: ./mine --flag", "shopctl: hint: read it, and allow it as it is now: shopctl config trust")
}

func TestTheConfigurationOfADirectoryIsAPlainFile(t *testing.T) {
	t.Chdir(t.TempDir())
	w := clitest.NewWorld(t)
	if err := syscall.Mkfifo("shopctl.yaml", 0o600); err != nil {
		t.Fatal(err)
	}
	w.Want(cmdutil.ExitUsage, "ps")
	w.WantErr("not a regular file of at most 256 KiB")
	if err := os.Remove("shopctl.yaml"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", "shopctl.yaml"); err != nil {
		t.Fatal(err)
	}
	w.Want(cmdutil.ExitUsage, "ps")
	w.WantErr("not a regular file of at most 256 KiB")
}

func TestALessonByAnotherAuthorIsNotConfiguredByItsFiles(t *testing.T) {
	w, _, workspace := inWorkspace(t)
	write(t, filepath.Join(workspace, "shopctl.yaml"), "name: other\n")
	w.Want(cmdutil.ExitOK, "ps")
	w.Want(cmdutil.ExitUsage, "config", "trust")
	w.WantErr(cmdutil.ErrForeign.Error())
}
