package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

func TestTheReferenceIsFresh(t *testing.T) {
	for dir, pages := range reference(tree()) {
		path := filepath.Join("..", "..", "docs", dir)
		for name, want := range pages {
			got, err := os.ReadFile(filepath.Join(path, name))
			if err != nil {
				t.Errorf("%v; run `make docs`", err)
				continue
			}
			if d := cmp.Diff(string(got), want); d != "" {
				t.Errorf("%s/%s is stale, run `make docs` (-file +commands):\n%s", dir, name, d)
			}
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if _, ok := pages[e.Name()]; !ok {
				t.Errorf("%s/%s documents no command, run `make docs`", dir, e.Name())
			}
		}
	}
}

func TestTheKeysAreFresh(t *testing.T) {
	got, err := os.ReadFile(filepath.Join("..", "..", "docs", "keys.md"))
	if err != nil {
		t.Fatalf("%v; run `make docs`", err)
	}
	if d := cmp.Diff(string(got), keys()); d != "" {
		t.Errorf("keys.md is stale, run `make docs` (-file +table):\n%s", d)
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	walk(tree(), func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: the short text %q must be there, without a full stop", path, cmd.Short)
		}
		if strings.ContainsAny(cmd.Short+cmd.Long, "!") {
			t.Errorf("%s: no exclamation marks in texts", path)
		}
		for line := range strings.Lines(cmd.Long) {
			if len(line) > 121 {
				t.Errorf("%s: a line of the long text has %d characters, 120 at most", path, len(line)-1)
			}
		}
	})
}

func TestRoffEscapesWhatTheFormatterWouldTake(t *testing.T) {
	if got, want := roff(".a -b\\c\n'd"), "\\&.a \\-b\\ec\n\\&'d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
