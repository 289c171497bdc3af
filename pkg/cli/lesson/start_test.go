package lesson_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

const offer = "Start it now? [Y/n] "

// withUp is a world without a shop whose binary writes its arguments and exits with a code.
func withUp(t *testing.T, code string) (w *clitest.World, calls func() string) {
	t.Helper()
	w = clitest.NewWorld(t)
	w.F.IO.InTTY, w.F.IO.ErrTTY = true, true
	record := filepath.Join(t.TempDir(), "calls")
	w.F.Executable = filepath.Join(t.TempDir(), "shopctl")
	if err := os.WriteFile(w.F.Executable, []byte("#!/bin/sh\necho \"$@\" >> "+record+"\nexit "+code+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return w, func() string {
		text, err := os.ReadFile(record)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestAShopIsStartedForALessonOnlyIfTheUserSaysSo(t *testing.T) {
	for _, answer := range []string{"", "n\n", "no\n", "perhaps\n"} { // the first is the end of the input
		w, calls := withUp(t, "0")
		w.F.IO.In = strings.NewReader(answer)
		w.Want(cmdutil.ExitNotRunning, "lesson", "tour")
		w.WantErr(offer, "the shop is not running")
		if calls() != "" {
			t.Errorf("answer %q: started by %s", answer, calls())
		}
	}
	for _, answer := range []string{"\n", "y\n", "YES\n"} {
		w, calls := withUp(t, "0")
		w.F.IO.In = strings.NewReader(answer)
		w.Run("lesson", "tour")
		if want := "--name " + w.F.IO.ShopName + " --quiet up\n"; calls() != want {
			t.Errorf("answer %q: ran %q, want %q", answer, calls(), want)
		}
	}
}

func TestAProgramIsNotAskedWhetherToStartTheShop(t *testing.T) {
	for name, args := range map[string][]string{"json": {"lesson", "tour", "--json"}, "a pipe": {"lesson", "tour", "--no-tui"}} {
		w, calls := withUp(t, "0")
		w.F.IO.In = strings.NewReader("y\n")
		if name == "a pipe" {
			w.F.IO.InTTY = false
		}
		w.Want(cmdutil.ExitNotRunning, args...)
		if strings.Contains(w.Err.String(), offer) || calls() != "" {
			t.Errorf("%s: asked %q, started by %q", name, w.Err.String(), calls())
		}
	}
}

func TestAShopThatDoesNotStartEndsTheLesson(t *testing.T) {
	w, _ := withUp(t, "5")
	w.F.IO.In = strings.NewReader("y\n")
	w.Want(cmdutil.ExitFailed, "lesson", "tour")
	w.WantErr("start shop", "exit status 5", "hint:", "up")
}
