package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// given is what a command with these arguments reads, while a script is the only kustomize.
func given(t *testing.T, script string, args ...string) (string, error) {
	t.Helper()
	bin := t.TempDir()
	if script != "" {
		if err := os.WriteFile(filepath.Join(bin, "kustomize"), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	var o Flags
	cmd := &cobra.Command{Use: "apply"}
	o.Add(cmd, &cmdutil.Factory{Getenv: func(string) string { return "" }})
	cmd.SetContext(t.Context())
	if err := cmd.ParseFlags(args); err != nil {
		return "", err
	}
	o.Limit(cmd)
	if len(o.Paths) == 0 {
		t.Fatal("the flags name nothing")
	}
	files, err := o.Read(strings.NewReader(""))
	if err != nil {
		return "", err
	}
	return files[0].GetName() + "\n" + string(files[0].GetContent()), nil
}

func TestAKustomizationIsBuiltByTheCommandThatIsInstalled(t *testing.T) {
	if got, err := given(t, `echo "built: $1 $2"`, "-k", "overlays/lab"); err != nil || got != "kustomize build overlays/lab\nbuilt: build overlays/lab\n" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := given(t, `echo "no such directory" >&2; exit 1`, "--kustomize", "x"); err == nil || err.Error() != "build the kustomization: kustomize build x: no such directory" {
		t.Errorf("%v", err)
	}
	if _, err := given(t, "", "-k", "x"); err == nil || !strings.Contains(err.Error(), "neither kustomize nor kubectl is installed") {
		t.Errorf("%v", err)
	}
	if _, err := given(t, "", "-k", "x", "-f", "y"); err == nil || !strings.Contains(err.Error(), "only one of -f or -k can be specified") {
		t.Errorf("%v", err)
	}
}
