package resource

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestWhatIsPutCanBeRead(t *testing.T) {
	s, err := Open(Config{Path: t.TempDir() + "/objects.json"})
	if err != nil {
		t.Fatal(err)
	}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "x"}}
	if _, err := s.Put(d); err != nil {
		t.Fatal(err)
	}
	o, err := s.Get(Key{KindDeployment, "production", "x"})
	if err != nil {
		t.Fatal(err)
	}
	if Replicas(o.(*appsv1.Deployment)) != 1 || o.GetResourceVersion() == "" {
		t.Errorf("%+v", o)
	}
}
