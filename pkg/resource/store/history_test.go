package store_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// numbers are the kept revisions of a Deployment with their images: "1=a".
func numbers(s *store.Store, key resource.Key) []string {
	var all []string
	for _, r := range s.Snapshot().Revisions(key) {
		all = append(all, fmt.Sprintf("%d=%s", r.Number, r.Template.Spec.Containers[0].Image))
	}
	return all
}

func TestADeploymentKeepsTheTemplatesThatItHad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.json")
	s, err := store.Open(store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	manifest := `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  revisionHistoryLimit: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: a}]}
`
	if _, err := s.Apply(t.Context(), manifests(t, manifest), "", false); err != nil {
		t.Fatal(err)
	}
	key := resource.Key{Kind: resource.KindDeployment, Namespace: s.Namespace(), Name: "web"}
	use := func(image string) {
		t.Helper()
		_, err := s.EditDeployments(t.Context(), []resource.Key{key}, false, func(d *appsv1.Deployment) error {
			d.Spec.Template.Spec.Containers[0].Image = image
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(all ...string) {
		t.Helper()
		if got := numbers(s, key); !slices.Equal(got, all) {
			t.Errorf("revisions %v, want %v", got, all)
		}
	}
	want("1=a")
	use("b")
	want("1=a", "2=b")
	if _, err := s.EditDeployments(t.Context(), []resource.Key{key}, false, func(d *appsv1.Deployment) error { return resource.Scale(d, 3) }); err != nil {
		t.Fatal(err)
	}
	want("1=a", "2=b")
	use("a") // used again: it gets the next number
	want("2=b", "3=a")
	use("c")
	use("d")
	want("3=a", "4=c", "5=d")
	if s, err = store.Open(store.Config{Path: path}); err != nil {
		t.Fatal(err)
	}
	want("3=a", "4=c", "5=d")
	if _, err := s.Delete(t.Context(), []resource.Key{key}, false); err != nil {
		t.Fatal(err)
	}
	want()
}
