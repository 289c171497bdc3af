package kubernetes_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/kubernetes"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
	"github.com/shopctl/shopctl/services"
)

var update = flag.Bool("update", false, "write the exports that tests expect")

const image = "registry.example/shopctl:v1"

// shop are the objects of a shop that starts with manifests, and to which the files of testdata were applied.
func shop(t *testing.T, manifests []resource.Manifest, applied ...string) []resource.Object {
	t.Helper()
	s, err := store.Open(store.Config{Defaults: manifests})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range applied {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		apply(t, s, name, text)
	}
	var all []resource.Object
	for _, kind := range resource.Kinds() {
		all = append(all, s.Snapshot().List(kind.Name, "")...)
	}
	return all
}

func apply(t *testing.T, s *store.Store, name string, text []byte) {
	t.Helper()
	manifests, err := decode.Decode(name, text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(t.Context(), manifests, "", false); err != nil {
		t.Fatal(err)
	}
}

func decoded(t *testing.T, name string, text []byte) []resource.Manifest {
	t.Helper()
	manifests, err := decode.Decode(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return manifests
}

// builtins are the manifests of the shop and of what can be added to it.
func builtins(t *testing.T) []resource.Manifest {
	t.Helper()
	var all []resource.Manifest
	for _, b := range append(services.All(), services.Optional()...) {
		all = append(all, decoded(t, b.Name, b.Manifest())...)
	}
	return all
}

func export(t *testing.T, objects []resource.Object, o kubernetes.Options) *kubernetes.Export {
	t.Helper()
	o.Image = image
	made, err := kubernetes.New(objects, o)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestAnExportIsTheOneThatIsKept(t *testing.T) {
	for name, made := range map[string]*kubernetes.Export{
		"shop":     export(t, shop(t, builtins(t)), kubernetes.Options{}),
		"own":      export(t, shop(t, builtins(t), "own.yaml"), kubernetes.Options{Istio: true, Secrets: true, OTLP: "http://collector.observability:4317"}),
		"monolith": export(t, shop(t, append(decoded(t, "monolith", services.MonolithManifest), storeOfCarts(t)...)), kubernetes.Options{Ephemeral: true}),
	} {
		dir := filepath.Join("testdata", "golden", name)
		if *update {
			rewrite(t, dir, made.Files)
		}
		compare(t, dir, made.Files)
	}
}

func storeOfCarts(t *testing.T) []resource.Manifest {
	b, _ := services.Lookup("cart")
	return slices.DeleteFunc(decoded(t, b.Name, b.Manifest()), func(m resource.Manifest) bool { return m.Object.GetName() != "redis-cart" })
}

func rewrite(t *testing.T, dir string, files []kubernetes.File) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// compare fails for each file that is not what the directory has, and for each that is only there.
func compare(t *testing.T, dir string, files []kubernetes.File) {
	t.Helper()
	expected := names(t, dir)
	for _, f := range files {
		want, err := os.ReadFile(filepath.Join(dir, f.Name))
		if err != nil || !bytes.Equal(f.Content, want) {
			t.Errorf("%s/%s is another: go test ./pkg/kubernetes -update, and look at the difference (%v)\n%s", dir, f.Name, err, f.Content)
		}
		expected = slices.DeleteFunc(expected, func(name string) bool { return filepath.ToSlash(name) == f.Name })
	}
	if len(expected) > 0 {
		t.Errorf("%s: no longer written: %v", dir, expected)
	}
}

// text is all that an export writes and says.
func text(made *kubernetes.Export) (written, said string) {
	var b strings.Builder
	for _, f := range made.Files {
		b.Write(f.Content)
	}
	return b.String(), strings.Join(made.Warnings, "\n")
}

func TestValuesOfSecretsAreWrittenOnlyWhereAskedFor(t *testing.T) {
	objects := shop(t, builtins(t), "own.yaml")
	secrets := []string{"very-secret", "another-secret", "dmVyeS1zZWNyZXQ=", "YW5vdGhlci1zZWNyZXQ="}
	written, said := text(export(t, objects, kubernetes.Options{}))
	for _, secret := range secrets {
		if strings.Contains(written+said, secret) {
			t.Errorf("the export has %q in it", secret)
		}
	}
	for _, way := range []string{
		"kubectl --namespace team-a create secret generic token --from-literal=token=...",
		"kubectl --namespace production create secret generic cart-store --from-literal=password=...",
		"the variable DATABASE_URL of container \"server\" has a password in it",
	} {
		if !strings.Contains(said, way) {
			t.Errorf("it says %q, which lacks %q", said, way)
		}
	}
	made := export(t, objects, kubernetes.Options{Secrets: true})
	for _, f := range made.Files {
		if has := bytes.Contains(f.Content, []byte("YW5vdGhlci1zZWNyZXQ=")); has != f.Private {
			t.Errorf("%s has a secret: %t, is private: %t", f.Name, has, f.Private)
		}
	}
}

func TestObjectsOfIstioNeedIstio(t *testing.T) {
	objects := shop(t, builtins(t), "own.yaml")
	written, said := text(export(t, objects, kubernetes.Options{}))
	if strings.Contains(written, "istio") || !strings.Contains(said, "5 Istio objects left out") {
		t.Errorf("without Istio: it says %q", said)
	}
	written, _ = text(export(t, objects, kubernetes.Options{Istio: true}))
	for _, part := range []string{"istio-injection: enabled", "kind: VirtualService", "weight: 90", "mode: STRICT", "image: auto"} {
		if !strings.Contains(written, part) {
			t.Errorf("with Istio, the export lacks %q", part)
		}
	}
}

func TestNoVolumesAreClaimedForAnEphemeralShop(t *testing.T) {
	objects := shop(t, builtins(t))
	for _, o := range objects {
		if resource.KeyOf(o).Name == "paymentservice" {
			o.SetLabels(map[string]string{"changed": "only in the copy"})
		}
	}
	written, _ := text(export(t, objects, kubernetes.Options{Ephemeral: true}))
	if strings.Contains(written, "PersistentVolumeClaim") || strings.Contains(written, "claimName") || !strings.Contains(written, "emptyDir: {}") {
		t.Error("volumes are claimed, or there are none")
	}
}

// names are the files of a directory and those below it, in the order in which they are walked.
func names(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		all = append(all, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The shop's own admission is held against a real API server's by testdata/apiserver.
func TestAnExportIsAcceptedByTheAdmissionOfTheShop(t *testing.T) {
	dirs, err := os.ReadDir(filepath.Join("testdata", "golden"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		s, err := store.Open(store.Config{})
		if err != nil {
			t.Fatal(err)
		}
		var all []resource.Manifest
		for _, name := range names(t, filepath.Join("testdata", "golden", d.Name(), kubernetes.Directory)) {
			text, err := os.ReadFile(filepath.Join("testdata", "golden", d.Name(), kubernetes.Directory, name))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, decoded(t, name, text)...)
		}
		if _, err := s.Apply(t.Context(), all, "", false); err != nil {
			t.Errorf("%s: %v", d.Name(), err)
		}
	}
}
