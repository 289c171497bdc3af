package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/lesson"
)

// inWorkspace is a command line of a lesson by another author, with the files good.yaml in its workspace and evil.yaml
// outside of it.
func inWorkspace(t *testing.T) (w *clitest.World, shop *clitest.FakeShop, workspace string) {
	t.Helper()
	shop = &clitest.FakeShop{Current: clitest.Healthy()}
	w = clitest.NewWorld(t).Serve(shop)
	dir := t.TempDir()
	workspace = filepath.Join(dir, "workspace")
	for _, file := range []string{"workspace/good.yaml", "workspace/sub/more.yaml", "evil.yaml", "evil.proto"} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.Env[cmdutil.SessionEnv], w.Env[cmdutil.WorkspaceEnv] = clitest.Token, workspace
	t.Chdir(workspace)
	return w, shop, workspace
}

func TestALessonByAnotherAuthorStaysInItsShopAndItsFiles(t *testing.T) {
	w, shop, workspace := inWorkspace(t)
	for _, link := range []string{"link.yaml", filepath.Join("sub", "link.yaml")} {
		if err := os.Symlink(filepath.Join(workspace, "..", "evil.yaml"), link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("..", "up"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo("pipe.yaml", 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"apply -f ../evil.yaml", "apply -f up/evil.yaml", "apply -f link.yaml", "apply -f good.yaml -f /etc/passwd", "apply --filename=../evil.yaml", "apply -R -f .",
		"apply -f https://example.com/x.yaml", "apply -f /dev/stdin", "apply -f pipe.yaml", "apply -f sub", "diff -f ../evil.yaml", "delete -f ../evil.yaml",
		"apply -f good.yaml --name second", "apply -f good.yaml --name=second", "apply -f good.yaml -n other", "apply -f good.yaml -qn other", "get secrets --namespace kube-system",
		"stop payment --name second", "fault inject payment --delay 1s --name second", "load start --name second",
		"mesh on -n other", "mesh status --name second", "mesh off --namespace kube-system", "call 127.0.0.1:50051", "call example.com:443 K/Get {}", "call [::1]:1 K/Get", "call catalog ListProducts --proto ../evil.proto",
		"trace open ../evil.yaml", "up", "down", "dash", "daemon", "service run ad", "export grafana", "export grafana --dir .", "lesson list", "lesson reset --all", "review",
		"completion bash", "doctor", "lesson guard", "__complete apply -f ''", "",
	} {
		w.Want(cmdutil.ExitUsage, strings.Fields(line)...)
		if text := w.Err.String(); !strings.Contains(text, cmdutil.ErrForeign.Error()) && !strings.Contains(text, "read https:") {
			t.Errorf("%s: %s", line, text)
		}
	}
	if len(shop.Applies)+len(shop.Deletes)+len(shop.Edits)+len(shop.Limited) > 0 {
		t.Errorf("the shop was called: %v", shop.Limited)
	}
}

func TestTheCommandsOfALessonByAnotherAuthorBelongToItsSession(t *testing.T) {
	w, shop, _ := inWorkspace(t)
	for _, line := range []string{"ps", "apply -f good.yaml", "apply -f sub -R", "apply -f -", "scale ad --replicas 2"} {
		shop.Limited = nil
		if code := w.Run(strings.Fields(line)...); strings.Contains(w.Err.String(), cmdutil.ErrForeign.Error()) || len(shop.Limited) == 0 {
			t.Errorf("%s: exit %d, calls %v, %s", line, code, shop.Limited, w.Err.String())
		}
	}
	if len(shop.Sessions) > 0 {
		t.Errorf("a session in the session: %v", shop.Sessions)
	}
}

func TestTheFilesOfALessonByAnotherAuthorAreAlwaysAppliedInASession(t *testing.T) {
	shop := &clitest.FakeShop{Current: clitest.Healthy()}
	w := clitest.NewWorld(t).Serve(shop)
	w.F.IO.ShopName = iostreams.DefaultShop
	w.F.LessonOf = func(path string) string { return lesson.WorkspaceOwner(w.F, path) }
	dir, err := lesson.Workspaces(w.F)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	files := map[string]bool{filepath.Join(dir, "caching@1f2e", "x.yaml"): true, filepath.Join(dir, "grpc", "x.yaml"): false, filepath.Join(elsewhere, "x.yaml"): false}
	for path := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "caching@1f2e"), filepath.Join(elsewhere, "link")); err != nil {
		t.Fatal(err)
	}
	files[filepath.Join(elsewhere, "link", "x.yaml")] = true
	for path, foreign := range files {
		for _, line := range [][]string{{"apply", "-f", path}, {"apply", "-f", filepath.Dir(path) + "/"}, {"diff", "-f", path}, {"delete", "-f", path}} {
			shop.Limited, shop.Sessions = nil, nil
			w.Run(line...)
			if limited := len(shop.Limited) > 0; limited != foreign || foreign && !slices.Equal(shop.Sessions, []string{"lesson caching@1f2e"}) {
				t.Errorf("%v: limited %t, want %t; sessions %v; %s", line, limited, foreign, shop.Sessions, w.Err.String())
			}
		}
	}
	t.Chdir(filepath.Join(dir, "caching@1f2e"))
	shop.Limited = nil
	w.F.IO.In = strings.NewReader("{}")
	w.Run("apply", "-f", "-")
	if len(shop.Limited) == 0 {
		t.Error("what is piped within the workspace is not limited")
	}
}
