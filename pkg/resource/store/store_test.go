package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

func TestAnOpenStoreHoldsTheBuiltInObjectsWithDefaultsAndServerFields(t *testing.T) {
	s := open(t, config(t, "", catalog))
	d := get[*appsv1.Deployment](t, s, deploymentKey)
	if resource.Replicas(d) != 1 || d.Spec.Strategy.RollingUpdate.MaxSurge.StrVal != "25%" || d.Spec.Template.Spec.Containers[0].ReadinessProbe.PeriodSeconds != 10 {
		t.Errorf("defaults are missing: %+v", d.Spec)
	}
	if d.UID == "" || d.ResourceVersion != "1" || d.Generation != 1 || d.CreationTimestamp.Year() != 2024 || d.Namespace != "production" || d.Kind != "Deployment" {
		t.Errorf("server fields are missing: %+v", d.ObjectMeta)
	}
	if s.Origin(deploymentKey) != store.OriginDefault || s.Origin(configKey) != "" {
		t.Error("origin is wrong")
	}
	var names []string
	for _, ns := range store.All[*corev1.Namespace](s.Snapshot(), "") {
		names = append(names, ns.Name)
	}
	if diff := cmp.Diff([]string{"default", "production"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestPutStoresAllOrNothing(t *testing.T) {
	s := open(t, config(t, "", catalog))
	good := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "good"}}
	bad := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "Bad"}}
	_, err := s.Put(t.Context(), good, bad)
	var problems resource.Problems
	if !errors.As(err, &problems) || !strings.HasPrefix(err.Error(), `configmap/Bad: metadata.name: "Bad" is not valid`) {
		t.Errorf("error %v", err)
	}
	if len(s.Snapshot().List(resource.KindConfigMap, "")) != 0 || s.Snapshot().Revision() != 1 {
		t.Error("something was stored")
	}
	changes, err := s.Put(t.Context(), good)
	if err != nil || !cmp.Equal(actions(changes), []string{"configmap/good created"}) {
		t.Errorf("%v, error %v", actions(changes), err)
	}
	if changes, err = s.Put(t.Context(), good); err != nil || changes[0].Action != store.ActionUnchanged || s.Snapshot().Revision() != 2 {
		t.Errorf("putting the same again: %v, error %v", actions(changes), err)
	}
}

func TestTheGenerationGrowsOnlyWithTheSpec(t *testing.T) {
	s := open(t, config(t, "", catalog))
	update := func(change func(*appsv1.Deployment)) *appsv1.Deployment {
		t.Helper()
		if _, err := s.Update(deploymentKey, func(o resource.Object) error { change(o.(*appsv1.Deployment)); return nil }); err != nil {
			t.Fatal(err)
		}
		return get[*appsv1.Deployment](t, s, deploymentKey)
	}
	before := get[*appsv1.Deployment](t, s, deploymentKey)
	labeled := update(func(d *appsv1.Deployment) { d.Labels["team"] = "blue" })
	if labeled.Generation != 1 || labeled.ResourceVersion != "2" {
		t.Errorf("after a label: %+v", labeled.ObjectMeta)
	}
	scaled := update(func(d *appsv1.Deployment) { *d.Spec.Replicas = 3; d.UID = "other"; d.Generation = 9 })
	if scaled.Generation != 2 || scaled.ResourceVersion != "3" || scaled.UID != before.UID {
		t.Errorf("after scaling: %+v", scaled.ObjectMeta)
	}
}

func TestWhatIsReadIsACopy(t *testing.T) {
	s := open(t, config(t, "", catalog))
	get[*appsv1.Deployment](t, s, deploymentKey).Labels["app"] = "mine"
	s.Snapshot().List(resource.KindDeployment, "")[0].GetLabels()["app"] = "mine"
	store.All[*appsv1.Deployment](s.Snapshot(), "")[0].Labels["app"] = "mine"
	if got := get[*appsv1.Deployment](t, s, deploymentKey).Labels["app"]; got != "productcatalogservice" {
		t.Error(got)
	}
}

func TestTheStatusIsSetWithoutMakingTheObjectTheUsers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.json")
	s := open(t, config(t, path, catalog))
	status := appsv1.DeploymentStatus{ReadyReplicas: 1, ObservedGeneration: 1}
	if err := s.UpdateStatus(t.Context(), deploymentKey, status); err != nil {
		t.Fatal(err)
	}
	d := get[*appsv1.Deployment](t, s, deploymentKey)
	if d.Status.ReadyReplicas != 1 || d.Generation != 1 || s.Origin(deploymentKey) != store.OriginDefault {
		t.Errorf("%+v", d)
	}
	revision := s.Snapshot().Revision()
	if err := s.UpdateStatus(t.Context(), deploymentKey, status); err != nil || s.Snapshot().Revision() != revision {
		t.Error("the same status made a new revision", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a status was written to the file", err)
	}
	apply(t, s, strings.ReplaceAll(catalog, "catalog:v1", "catalog:v2"))
	if got := get[*appsv1.Deployment](t, s, deploymentKey).Status.ReadyReplicas; got != 1 {
		t.Error("an apply dropped the status")
	}
	if err := s.UpdateStatus(t.Context(), resource.Key{Kind: resource.KindDeployment, Namespace: "production", Name: "x"}, status); err == nil {
		t.Error("a missing Deployment got a status")
	}
}

func TestAMissingObjectIsNamedWithItsNeighbors(t *testing.T) {
	s := open(t, config(t, "", catalog))
	for _, tc := range []struct {
		key  resource.Key
		want string
	}{
		{resource.Key{Kind: resource.KindDeployment, Namespace: "production", Name: "productcatalog-service"}, `deployment/productcatalog-service not found in namespace "production"; did you mean "productcatalogservice"?`},
		{resource.Key{Kind: resource.KindDeployment, Namespace: "production", Name: "zzz"}, `deployment/zzz not found in namespace "production"`},
		{resource.Key{Kind: resource.KindDeployment, Namespace: "prodution", Name: "x"}, `namespace "prodution" not found; did you mean "production"?`},
		{resource.Key{Kind: resource.KindNamespace, Name: "staging"}, `namespace/staging not found`},
	} {
		_, err := s.Get(tc.key)
		var missing *store.NotFoundError
		if !errors.As(err, &missing) || err.Error() != tc.want {
			t.Errorf("got %v, want %s", err, tc.want)
		}
	}
	if err := s.Snapshot().CheckNamespace("prodution"); err == nil || err.Error() != `namespace/prodution not found; did you mean "production"?` {
		t.Error(err)
	}
	if err := s.Snapshot().CheckNamespace("production"); err != nil {
		t.Error(err)
	}
}

func TestDeleteRemovesAllOrNothing(t *testing.T) {
	s := open(t, config(t, "", catalog))
	missing := resource.Key{Kind: resource.KindService, Namespace: "production", Name: "x"}
	if _, err := s.Delete(t.Context(), []resource.Key{deploymentKey, missing}, false); err == nil || s.Origin(deploymentKey) == "" {
		t.Error("half was deleted", err)
	}
	if changes, err := s.Delete(t.Context(), []resource.Key{deploymentKey}, true); err != nil || len(changes) != 1 || s.Origin(deploymentKey) == "" {
		t.Error("a dry run deleted something", err)
	}
	changes, err := s.Delete(t.Context(), []resource.Key{deploymentKey, serviceKey, serviceKey}, false)
	if diff := cmp.Diff([]string{"deployment/productcatalogservice deleted", "service/productcatalogservice deleted"}, actions(changes)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if changes[0].Before == nil || changes[0].After != nil {
		t.Errorf("%+v", changes[0])
	}
}

func TestANamespaceTakesWhatIsInItAlong(t *testing.T) {
	s := open(t, config(t, "", catalog))
	apply(t, s, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: staging}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: staging}\n")
	changes, err := s.Delete(t.Context(), []resource.Key{{Kind: resource.KindNamespace, Name: "staging"}}, false)
	if diff := cmp.Diff([]string{"configmap/a deleted", "namespace/staging deleted"}, actions(changes)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, name := range []string{"production", "default"} {
		if _, err := s.Delete(t.Context(), []resource.Key{{Kind: resource.KindNamespace, Name: name}}, false); err == nil || err.Error() != "delete namespace/"+name+": the shop needs this namespace" {
			t.Error(err)
		}
	}
}

func TestConcurrentEditsAreAllKept(t *testing.T) {
	s := open(t, config(t, "", configMap))
	var writers sync.WaitGroup
	const count = 16
	for range count {
		writers.Go(func() {
			_, err := s.Update(configKey, func(o resource.Object) error {
				o.(*corev1.ConfigMap).Data["LOG_LEVEL"] += "x"
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	if got := get[*corev1.ConfigMap](t, s, configKey).Data["LOG_LEVEL"]; got != "info"+strings.Repeat("x", count) {
		t.Error(got)
	}
}

func TestAnUpdateCannotRenameOrBreakAnObject(t *testing.T) {
	s := open(t, config(t, "", catalog))
	if _, err := s.Update(deploymentKey, func(o resource.Object) error { o.SetName("x"); return nil }); err == nil || err.Error() != "edit deployment/productcatalogservice: its name cannot change" {
		t.Error(err)
	}
	_, err := s.Update(deploymentKey, func(o resource.Object) error { o.(*appsv1.Deployment).Spec.Template.Spec.Containers = nil; return nil })
	if want := "deployment/productcatalogservice: spec.template.spec.containers: is missing; there must be at least one container"; err == nil || err.Error() != want {
		t.Error(err)
	}
	if _, err := s.EditDeployments(t.Context(), []resource.Key{serviceKey}, false, func(*appsv1.Deployment) error { return nil }); err == nil || err.Error() != "edit service/productcatalogservice: it is not a Deployment" {
		t.Error(err)
	}
}

func TestWrongBuiltInObjectsAreReportedWithTheirPlace(t *testing.T) {
	_, err := store.Open(store.Config{Defaults: append(manifests(t, configMap), manifests(t, configMap)...)})
	if want := "load built-in objects: f.yaml:1:1: defined twice: configmap/app-config"; err == nil || err.Error() != want {
		t.Error(err)
	}
	_, err = store.Open(store.Config{Namespace: "No Name"})
	if err == nil || !strings.HasPrefix(err.Error(), `load built-in objects: namespace/No Name: metadata.name: "No Name" is not valid`) {
		t.Error(err)
	}
}

func TestAChangeWhoseCallerHasGoneIsNotBegun(t *testing.T) {
	s := open(t, config(t, "", catalog))
	before := s.Snapshot().Revision()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Delete(ctx, []resource.Key{deploymentKey}, false); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if after := s.Snapshot().Revision(); after != before {
		t.Errorf("revision %d became %d", before, after)
	}
}
