package export_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestMain(m *testing.M) { clitest.Main(m) }

const reference = "registry.example/shopctl:v1"

// running is a shop with a Deployment, a Secret and an object of Istio.
func running() *clitest.FakeShop {
	type object = map[string]any
	labels := object{"app": "cartservice"}
	return &clitest.FakeShop{Current: &controlpb.StatusResponse{Name: "default"}, Objects: []*controlpb.Object{
		clitest.Object("apps/v1", "Deployment", "cartservice", object{"spec": object{"selector": object{"matchLabels": labels}, "template": object{
			"metadata": object{"labels": labels}, "spec": object{"containers": []any{object{"name": "server", "image": "shopctl/cart:v1"}}},
		}}}),
		clitest.Object("v1", "Secret", "cart-store", object{"data": object{"password": "c2VjcmV0"}}),
		clitest.Object("networking.istio.io/v1", "DestinationRule", "cartservice", object{"spec": object{"host": "cartservice"}}),
	}}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheObjectsOfARunningShopAreExported(t *testing.T) {
	w := clitest.NewWorld(t).Serve(running())
	dir := filepath.Join(t.TempDir(), "out")
	w.Want(cmdutil.ExitOK, "export", "kubernetes", "--dir", dir, "--image", reference)
	w.WantOut(filepath.Join(dir, "kustomization.yaml") + "\n")
	w.WantErr("secret/cart-store is left out", "1 Istio object left out", "shopctl image build --tag "+reference+" -o shopctl.tar", "next: kubectl apply --server-side -k "+dir)
	if text := read(t, dir, "objects/production.cartservice.yaml"); !strings.Contains(text, "image: "+reference) || strings.Contains(text, "DestinationRule") {
		t.Errorf("exported is:\n%s", text)
	}
	w.Want(cmdutil.ExitOK, "export", "kubernetes", "--dir", dir, "--image", reference, "--force", "--secrets", "--mesh", "istio")
	if text := read(t, dir, "objects/production.cartservice.yaml"); !strings.Contains(text, "kind: DestinationRule") {
		t.Errorf("exported for Istio is:\n%s", text)
	}
	if info, err := os.Stat(filepath.Join(dir, "objects", "secrets.yaml")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of Secrets: %v, %v", info, err)
	}
}

func TestAFileThatIsNoLongerExportedIsRemoved(t *testing.T) {
	shop := running()
	w := clitest.NewWorld(t).Serve(shop)
	dir := t.TempDir()
	w.Want(cmdutil.ExitOK, "export", "kubernetes", "--dir", dir, "--image", reference, "--secrets")
	mine := filepath.Join(dir, "objects", "mine.yaml")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Want(cmdutil.ExitOK, "export", "kubernetes", "--dir", dir, "--image", reference, "--force")
	if _, err := os.Stat(filepath.Join(dir, "objects", "secrets.yaml")); !os.IsNotExist(err) {
		t.Errorf("the Secrets of the earlier export: %v", err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Errorf("the user's own file: %v", err)
	}
}

func TestAStoppedShopIsExportedAsItWouldStart(t *testing.T) {
	w := clitest.NewWorld(t)
	dir := t.TempDir()
	w.Want(cmdutil.ExitOK, "export", "kubernetes", "--dir", dir, "--image", reference)
	w.WantErr("shop default is not running: these are the objects that it would start with")
	if text := read(t, dir, "kustomization.yaml"); strings.Count(text, "  - objects/") != 13 {
		t.Errorf("the kustomization is:\n%s", text)
	}
	dir = t.TempDir()
	w.Want(cmdutil.ExitOK, "export", "kubernetes", "--dir", dir, "--image", reference, "--monolith")
	if text := read(t, dir, "objects/production.monolith.yaml"); !strings.Contains(text, "- monolith") {
		t.Errorf("the monolith is:\n%s", text)
	}
}

func TestAFlagThatAClusterCannotUseIsRefused(t *testing.T) {
	w := clitest.NewWorld(t).Serve(running())
	dir := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct{ flags, want string }{
		{"--image shopctl", "the tag latest names another image on every node"},
		{"--image shopctl:latest", "the tag latest names another image on every node"},
		{"--image UPPER:v1", "read --image"},
		{"--otlp collector:4317", "read --otlp"},
		{"--otlp grpc://collector:4317", "read --otlp"},
		{"--otlp http://collector:4318/v1/traces", "read --otlp"},
		{"--mesh linkerd", "must be one of none, istio"},
		{"--monolith", "--monolith is for a stopped shop"},
	} {
		args := append([]string{"export", "kubernetes", "--dir", dir}, strings.Fields(c.flags)...)
		w.Want(cmdutil.ExitUsage, args...)
		w.WantErr(c.want)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}
