package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

func TestAppliedFilesAreCreatedThenUnchangedThenConfigured(t *testing.T) {
	s := open(t, config(t, "", catalog))
	if diff := cmp.Diff([]string{"configmap/app-config created"}, actions(apply(t, s, configMap).Changes)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"configmap/app-config unchanged"}, actions(apply(t, s, configMap).Changes)); diff != "" {
		t.Error(diff)
	}
	result := apply(t, s, strings.ReplaceAll(configMap, "info", "debug"))
	if diff := cmp.Diff([]string{"configmap/app-config configured"}, actions(result.Changes)); diff != "" {
		t.Error(diff)
	}
	before, after := result.Changes[0].Before.(*corev1.ConfigMap), result.Changes[0].After.(*corev1.ConfigMap)
	if before.Data["LOG_LEVEL"] != "info" || after.Data["LOG_LEVEL"] != "debug" {
		t.Errorf("before %v, after %v", before.Data, after.Data)
	}
}

func TestARealManifestReplacesTheBuiltInOne(t *testing.T) {
	s := open(t, config(t, "", catalog))
	result, err := s.Apply(t.Context(), file(t, "productcatalog-deployment.yaml"), "", false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"productcatalog-deployment.yaml:34:20: spec.template.spec.containers[0].resources.limits[cpu]: is not enforced here; a container may use every processor of this machine",
	}
	if diff := cmp.Diff(want, result.Warnings.Strings()); diff != "" {
		t.Error(diff)
	}
	d := get[*appsv1.Deployment](t, s, deploymentKey)
	container := d.Spec.Template.Spec.Containers[0]
	if resource.Replicas(d) != 3 || container.Image != "gcr.io/google-samples/microservices-demo/productcatalogservice:v0.3.0" || len(container.Env) != 3 {
		t.Errorf("%+v", d.Spec)
	}
	if _, ok := d.Spec.Template.Labels["version"]; ok || container.Ports[0].Name != "" || d.Spec.Template.Spec.ServiceAccountName != "" {
		t.Error("what only the built-in manifest named is still there")
	}
	if d.Generation != 2 || s.Origin(deploymentKey) != store.OriginUser {
		t.Errorf("%+v", d.ObjectMeta)
	}
	// And back.
	apply(t, s, catalog)
	if s.Origin(deploymentKey) != store.OriginDefault || resource.Replicas(get[*appsv1.Deployment](t, s, deploymentKey)) != 1 {
		t.Error("the built-in manifest does not lead back")
	}
}

func TestWhatOthersSetSurvivesAnApply(t *testing.T) {
	s := open(t, config(t, "", catalog))
	if _, err := s.EditDeployments(t.Context(), []resource.Key{deploymentKey}, false, func(d *appsv1.Deployment) error {
		if err := resource.SetEnv(d, map[string]string{"EXTRA_LATENCY": "1s"}, nil); err != nil {
			return err
		}
		return resource.Scale(d, 3) // the manifest names no replicas
	}); err != nil {
		t.Fatal(err)
	}
	apply(t, s, strings.ReplaceAll(catalog, `value: "3550"`, `value: "3551"`))
	d := get[*appsv1.Deployment](t, s, deploymentKey)
	want := []corev1.EnvVar{{Name: "PORT", Value: "3551"}, {Name: "EXTRA_LATENCY", Value: "1s"}}
	if diff := cmp.Diff(want, d.Spec.Template.Spec.Containers[0].Env); diff != "" || resource.Replicas(d) != 3 {
		t.Error(diff, resource.Replicas(d))
	}
}

func TestAWrongFileChangesNothingOfTheOthers(t *testing.T) {
	s := open(t, config(t, "", catalog))
	moved := strings.ReplaceAll(catalog, "{app: productcatalogservice", "{app: moved")
	revision := s.Snapshot().Revision()
	_, err := s.Apply(t.Context(), append(manifests(t, configMap), manifests(t, moved)...), "", false)
	var problems resource.Problems
	want := "f.yaml:12:3: spec.selector: cannot change once the Deployment exists (it is app=productcatalogservice); delete the Deployment first"
	if !errors.As(err, &problems) || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if s.Snapshot().Revision() != revision || s.Origin(configKey) != "" {
		t.Error("something changed")
	}
}

func TestADryRunReportsWhatWouldChangeAndChangesNothing(t *testing.T) {
	s := open(t, config(t, "", catalog))
	result, err := s.Apply(t.Context(), manifests(t, configMap), "", true)
	if err != nil || result.Changes[0].Action != store.ActionCreated || result.Changes[0].After == nil {
		t.Errorf("%+v, error %v", result, err)
	}
	if s.Origin(configKey) != "" || s.Snapshot().Revision() != 1 {
		t.Error("it was created")
	}
}

func TestNamespacesMustExistOrComeAlong(t *testing.T) {
	s := open(t, config(t, "", catalog))
	inStaging := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: prodaction\n"
	_, err := s.Apply(t.Context(), manifests(t, inStaging), "", false)
	if want := `f.yaml:5:14: metadata.namespace: namespace "prodaction" does not exist; did you mean "production"?`; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	apply(t, s, inStaging+"---\napiVersion: v1\nkind: Namespace\nmetadata: {name: prodaction}\n")
	if _, err := s.Apply(t.Context(), manifests(t, configMap), "nowhere", false); err == nil || err.Error() != `f.yaml:3:1: metadata.namespace: namespace "nowhere" does not exist` {
		t.Error(err)
	}
	if _, err := s.Apply(t.Context(), manifests(t, configMap), "prodaction", false); err != nil {
		t.Error(err)
	}
	if got := s.Snapshot().List(resource.KindConfigMap, "prodaction"); len(got) != 2 {
		t.Errorf("%v", got)
	}
}

func TestAKeyThatLeavesStringDataStaysInTheSecret(t *testing.T) {
	s := open(t, config(t, "", catalog))
	apply(t, s, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: x, b: w}\n")
	apply(t, s, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: z}\ndata: {c: Yw==}\n")
	secret := get[*corev1.Secret](t, s, resource.Key{Kind: resource.KindSecret, Namespace: "production", Name: "s"})
	if diff := cmp.Diff(map[string][]byte{"a": []byte("z"), "b": []byte("w"), "c": []byte("c")}, secret.Data); diff != "" || secret.StringData != nil {
		t.Error(diff)
	}
}

func TestTheOutputOfGetCanBeApplied(t *testing.T) {
	s := open(t, config(t, "", catalog))
	d := get[*appsv1.Deployment](t, s, deploymentKey)
	d.ResourceVersion, d.UID, d.Generation = "77", "other", 5
	d.Status.Replicas = 9
	m, err := resource.NewManifest(d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(t.Context(), []resource.Manifest{m}, "", false); err != nil {
		t.Fatal(err)
	}
	got := get[*appsv1.Deployment](t, s, deploymentKey)
	if got.Generation != 1 || got.UID == "other" || got.Status.Replicas != 0 || strings.Contains(got.Annotations[corev1.LastAppliedConfigAnnotation], "resourceVersion") {
		t.Errorf("%+v", got)
	}
}

func TestAnObjectThatIsGivenTwiceIsAWarning(t *testing.T) {
	s := open(t, config(t, "", catalog))
	result := apply(t, s, configMap+"---\n"+strings.ReplaceAll(configMap, "info", "debug"))
	want := []string{"f.yaml:6:1: configmap/app-config is already in f.yaml:1; the later one wins"}
	if diff := cmp.Diff(want, result.Warnings.Strings()); diff != "" {
		t.Error(diff)
	}
	if got := get[*corev1.ConfigMap](t, s, configKey).Data["LOG_LEVEL"]; got != "debug" || len(result.Changes) != 1 {
		t.Error(got, actions(result.Changes))
	}
}
