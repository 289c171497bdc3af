package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

func TestWhatTheUserChangedOutlivesTheStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "objects.json")
	s := open(t, config(t, path, catalog))
	apply(t, s, "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {k: v}\n")
	if _, err := s.EditDeployments(t.Context(), []resource.Key{deploymentKey}, false, func(d *appsv1.Deployment) error { return resource.Scale(d, 3) }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(t.Context(), []resource.Key{serviceKey}, false); err != nil {
		t.Fatal(err)
	}

	again := open(t, config(t, path, catalog))
	before, after := get[*appsv1.Deployment](t, s, deploymentKey), get[*appsv1.Deployment](t, again, deploymentKey)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	secret := get[*corev1.Secret](t, again, resource.Key{Kind: resource.KindSecret, Namespace: "production", Name: "key"})
	if string(secret.Data["k"]) != "v" {
		t.Errorf("%+v", secret)
	}
	if again.Origin(serviceKey) != "" {
		t.Error("a deleted built-in object came back")
	}
	if again.Origin(deploymentKey) != store.OriginUser {
		t.Error("a changed built-in object is not the user's")
	}
	if again.Snapshot().Revision() <= s.Snapshot().Revision() {
		t.Error("revisions went back")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, error %v: others may read secrets", info.Mode(), err)
	}
}

func TestUnchangedBuiltInObjectsFollowTheBinary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.json")
	apply(t, open(t, config(t, path, catalog)), configMap)
	newer := strings.ReplaceAll(catalog, "shopctl/catalog:v1", "shopctl/catalog:v2")
	s := open(t, config(t, path, newer))
	if got := get[*appsv1.Deployment](t, s, deploymentKey).Spec.Template.Spec.Containers[0].Image; got != "shopctl/catalog:v2" {
		t.Error(got)
	}
	if s.Origin(configKey) != store.OriginUser {
		t.Error("the user's object is gone")
	}
}

func TestAChangeThatIsTakenBackMakesTheObjectTheShopsAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.json")
	s := open(t, config(t, path, catalog))
	for _, replicas := range []int32{3, 1} {
		if _, err := s.EditDeployments(t.Context(), []resource.Key{deploymentKey}, false, func(d *appsv1.Deployment) error { return resource.Scale(d, replicas) }); err != nil {
			t.Fatal(err)
		}
	}
	if s.Origin(deploymentKey) != store.OriginDefault {
		t.Error(s.Origin(deploymentKey))
	}
	if content, err := os.ReadFile(path); err != nil || strings.Contains(string(content), "productcatalogservice") {
		t.Errorf("%s, error %v", content, err)
	}
}

func TestAFileThatCannotBeWrittenLeavesEverythingAsItWas(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "objects.json")
	s := open(t, config(t, path, catalog))
	apply(t, s, configMap)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	revision := s.Snapshot().Revision()
	// A device that is always full stands where the new file is written first.
	if err := os.Symlink("/dev/full", path+".tmp"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Delete(t.Context(), []resource.Key{configKey}, false)
	if want := "save objects (nothing was changed): write " + path + ".tmp: no space left on device"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if s.Snapshot().Revision() != revision || s.Origin(configKey) == "" {
		t.Error("memory changed")
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Error("the file changed", err)
	}
	if _, err := s.Delete(t.Context(), []resource.Key{configKey}, false); err != nil {
		t.Error("with space again:", err)
	}
}

func TestADirectoryThatCannotBeReadIsAClearError(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(config(t, filepath.Join(blocked, "objects.json"), catalog)); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Error(err)
	}
}

func TestADirectoryThatCannotBeMadeLeavesTheStoreAsItWas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := open(t, config(t, filepath.Join(dir, "objects.json"), catalog))
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.Apply(t.Context(), manifests(t, configMap), "", false)
	if want := "save objects (nothing was changed): mkdir " + dir + ": not a directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if s.Origin(configKey) != "" {
		t.Error("the object is there")
	}
}

func TestACorruptFileIsKeptAsideAndTheNextStartIsClean(t *testing.T) {
	for name, content := range map[string]string{
		"half a file":  `{"version":1,"objects":[{"apiVersion":"v1","kind":"Conf`,
		"empty":        "",
		"other format": `{"version":0}`,
		"unknown kind": `{"version":1,"objects":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}]}`,
		"no name":      `{"version":1,"objects":[{"apiVersion":"v1","kind":"Secret"}]}`,
		"wrong type":   `{"version":1,"objects":[{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"replicas":"x"}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "objects.json")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := store.Open(config(t, path, catalog))
			var corrupt *store.CorruptError
			if !errors.As(err, &corrupt) || corrupt.Kept != path+".corrupt-20240506T070809" || !strings.Contains(err.Error(), "the file is kept as "+corrupt.Kept) {
				t.Fatalf("error %v", err)
			}
			if kept, err := os.ReadFile(corrupt.Kept); err != nil || string(kept) != content {
				t.Errorf("%q, error %v", kept, err)
			}
			if open(t, config(t, path, catalog)).Origin(deploymentKey) != store.OriginDefault {
				t.Error("the next start is not clean")
			}
		})
	}
}

func TestAFileOfANewerShopctlIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.json")
	if err := os.WriteFile(path, []byte(`{"version":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(config(t, path, catalog))
	if want := "read objects from " + path + ": its format 2 was written by a newer shopctl; this one reads up to 1"; err == nil || err.Error() != want {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestObjectsOfANamespaceThatTheShopLeftKeepIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.json")
	apply(t, open(t, config(t, path, catalog)), configMap)
	cfg := config(t, path, catalog)
	cfg.Namespace = "staging"
	s := open(t, cfg)
	if s.Origin(configKey) != store.OriginUser || s.Origin(resource.Key{Kind: resource.KindNamespace, Name: "production"}) != store.OriginUser {
		t.Error("objects or their namespace are lost")
	}
	if s.Origin(resource.Key{Kind: resource.KindDeployment, Namespace: "staging", Name: "productcatalogservice"}) != store.OriginDefault {
		t.Error("the shop is not in its new namespace")
	}
}
