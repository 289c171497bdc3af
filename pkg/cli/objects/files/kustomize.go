package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// builders are the commands that build a kustomization. Kustomize's own library would cost every process of the shop memory
// and time at its start.
var builders = [...][]string{{"kustomize", "build"}, {"kubectl", "kustomize"}}

// build returns the objects of a kustomization, built by the first of the commands that is installed.
func build(ctx context.Context, dir string) (*controlpb.File, error) {
	for _, words := range builders {
		path, err := exec.LookPath(words[0])
		if err != nil {
			continue
		}
		var out, errs bytes.Buffer
		cmd := exec.CommandContext(ctx, path, words[1], dir)
		cmd.Stdout, cmd.Stderr = &out, &errs
		line := strings.Join(words, " ") + " " + dir
		if err := cmd.Run(); err != nil {
			text := strings.TrimSpace(errs.String())
			if text == "" {
				text = err.Error()
			}
			return nil, cmdutil.HintErr(cmdutil.ExitUsage, line, fmt.Errorf("build the kustomization: %s: %s", line, text))
		}
		return &controlpb.File{Name: line, Content: out.Bytes()}, nil
	}
	return nil, cmdutil.HintErr(cmdutil.ExitEnvironment, "install kustomize or kubectl", errors.New("build the kustomization: neither kustomize nor kubectl is installed, which -k runs"))
}
