package gotest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// module writes a module with one test.
func module(t *testing.T, body string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module learner\n")
	write(t, dir, "price_test.go", "package learner\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestPrice(t *testing.T) {\n"+body+"\n}\n\nvar _ = os.Getenv\n")
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func runner() *Runner {
	return &Runner{Environ: append(os.Environ(), "HTTPS_PROXY=http://nowhere", "SECRET=x"), LookPath: exec.LookPath}
}

func TestTestsAreRunAgainOnlyWhenAFileChanged(t *testing.T) {
	dir := module(t, `t.Error("got 1, want 2")`)
	r := runner()
	ask := probe.TestRun{Dir: dir, Run: "TestPrice", Limit: time.Minute}
	out, ok, err := r.Test(t.Context(), ask)
	if err != nil || ok || !strings.Contains(out, "got 1, want 2") {
		t.Fatalf("failing tests: %v, %v, %s", ok, err, out)
	}
	r.LookPath = func(string) (string, error) { return "", errors.New("asked again") }
	if again, _, err := r.Test(t.Context(), ask); err != nil || again != out {
		t.Errorf("without a change: %v, %s", err, again)
	}
	r.LookPath = exec.LookPath
	write(t, dir, "price_test.go", "package learner\n\nimport \"testing\"\n\nfunc TestPrice(*testing.T) {}\n")
	if out, ok, err := r.Test(t.Context(), ask); err != nil || !ok {
		t.Errorf("after the repair: %v, %v, %s", ok, err, out)
	}
}

func TestTestsHaveNoWayToTheNetworkAndNoSecrets(t *testing.T) {
	dir := module(t, `if v := os.Getenv("HTTPS_PROXY") + os.Getenv("SECRET"); v != "" || os.Getenv("GOPROXY") != "off" {
		t.Error(v)
	}`)
	if out, ok, err := runner().Test(t.Context(), probe.TestRun{Dir: dir, Limit: time.Minute}); err != nil || !ok {
		t.Errorf("%v, %v, %s", ok, err, out)
	}
}

func TestWithoutGoTheResultIsInconclusive(t *testing.T) {
	r := runner()
	r.LookPath = func(string) (string, error) { return "", exec.ErrNotFound }
	_, _, err := r.Test(t.Context(), probe.TestRun{Dir: module(t, ""), Limit: time.Minute})
	if err == nil || !strings.Contains(err.Error(), "there is no go command on this machine") {
		t.Errorf("error %v", err)
	}
}

func TestTestsThatDoNotEndAreEnded(t *testing.T) {
	out, ok, err := runner().Test(t.Context(), probe.TestRun{Dir: module(t, "select {}"), Limit: time.Nanosecond})
	if err != nil || ok || !strings.Contains(out, "did not end in 1ns") {
		t.Errorf("%v, %v, %s", ok, err, out)
	}
}
