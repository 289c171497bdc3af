package internalcmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

func TestAServiceNamesTheMissingVariableAndGivesNoBugReportHint(t *testing.T) {
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	sys := cmdutil.System{Out: stderr, Err: stderr, Getenv: func(string) string { return "" }}
	if code := RunService(sys, "cart"); code != cmdutil.ExitFailed {
		t.Errorf("exit code %d, want %d", code, cmdutil.ExitFailed)
	}
	text, err := os.ReadFile(stderr.Name())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "REDIS_ADDR is not set") || strings.Contains(string(text), "mistake of shopctl") {
		t.Errorf("standard error:\n%s", text)
	}
}
