package daemon

import (
	"os"
	"strings"
	"testing"

	meshcontrol "github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

func TestTheTokenOfASidecarIsInAFileOfTheUserAlone(t *testing.T) {
	m := &mesh{dir: t.TempDir(), plane: meshcontrol.New(meshcontrol.Config{})}
	environ, err := m.Environ(podspec.Pod{Name: "cart-1", Namespace: "production", ServiceAccount: "cart"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	file := ""
	for _, kv := range environ {
		if name, value, _ := strings.Cut(kv, "="); name == "SHOPCTL_SIDECAR_TOKEN_FILE" {
			file = value
		}
	}
	token, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if strings.Contains(strings.Join(environ, " "), string(token)) {
		t.Error("the token is in the environment")
	}
	if caller, ok := m.plane.Authenticate(string(token)); !ok || caller.Node != "sidecar~cart-1.production" {
		t.Errorf("the token is that of %+v, %v", caller, ok)
	}
}
