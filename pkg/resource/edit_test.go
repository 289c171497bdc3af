package resource_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
)

func deploymentWith(replicas int32, env ...corev1.EnvVar) *appsv1.Deployment {
	d := &appsv1.Deployment{}
	d.Spec.Replicas = &replicas
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "server", Env: env}}
	return d
}

func stopped(d *appsv1.Deployment) bool {
	_, ok := d.Annotations[resource.StoppedReplicasAnnotation]
	return ok && resource.Replicas(d) == 0
}

func TestAStoppedDeploymentStartsWithAsManyReplicasAsItHad(t *testing.T) {
	d := deploymentWith(3)
	for range 2 { // stopping twice is fine
		if err := resource.Stop(d); err != nil || resource.Replicas(d) != 0 || !stopped(d) {
			t.Fatalf("%+v, error %v", d, err)
		}
	}
	for range 2 {
		if err := resource.Start(d); err != nil || resource.Replicas(d) != 3 || stopped(d) || d.Annotations != nil {
			t.Fatalf("%+v, error %v", d, err)
		}
	}
}

func TestStartingWhatWasScaledToNothingGivesOneReplica(t *testing.T) {
	d := deploymentWith(0)
	if err := resource.Start(d); err != nil || resource.Replicas(d) != 1 {
		t.Error(resource.Replicas(d), err)
	}
	d = deploymentWith(0)
	d.Annotations = map[string]string{resource.StoppedReplicasAnnotation: "many"}
	if err := resource.Start(d); err != nil || resource.Replicas(d) != 1 {
		t.Error(resource.Replicas(d), err)
	}
}

func TestScalingForgetsTheStop(t *testing.T) {
	d := deploymentWith(3)
	if err := resource.Stop(d); err != nil {
		t.Fatal(err)
	}
	if err := resource.Scale(d, 2); err != nil || resource.Replicas(d) != 2 || stopped(d) || d.Annotations != nil {
		t.Errorf("%+v, error %v", d, err)
	}
	if err := resource.Scale(d, -1); err == nil || err.Error() != "replicas must not be negative (got -1)" {
		t.Error(err)
	}
}

func TestARestartChangesTheTemplate(t *testing.T) {
	d := deploymentWith(1)
	now := time.Date(2024, 5, 6, 7, 8, 9, 10, time.UTC)
	if err := resource.Restart(d, now); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"kubectl.kubernetes.io/restartedAt": "2024-05-06T07:08:09.00000001Z"}
	if diff := cmp.Diff(want, d.Spec.Template.Annotations); diff != "" {
		t.Error(diff)
	}
	if err := resource.Restart(deploymentWith(0), now); err == nil || err.Error() != "it is stopped: start it instead" {
		t.Error(err)
	}
}

func TestVariablesAreSetAndUnset(t *testing.T) {
	from := &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}
	d := deploymentWith(1, corev1.EnvVar{Name: "A", Value: "1"}, corev1.EnvVar{Name: "B", ValueFrom: from}, corev1.EnvVar{Name: "C", Value: "3"})
	original := d.DeepCopy()
	if err := resource.SetEnv(d, map[string]string{"E": "5", "D": "4", "B": "2"}, []string{"A"}); err != nil {
		t.Fatal(err)
	}
	want := []corev1.EnvVar{{Name: "B", Value: "2"}, {Name: "C", Value: "3"}, {Name: "D", Value: "4"}, {Name: "E", Value: "5"}}
	if diff := cmp.Diff(want, d.Spec.Template.Spec.Containers[0].Env); diff != "" {
		t.Error(diff)
	}
	for _, tc := range []struct {
		set   map[string]string
		unset []string
		want  string
	}{
		{nil, []string{"X"}, "unset variable X: it is not set"},
		{map[string]string{"A": ""}, []string{"A"}, "variable A: it can be set or unset, not both"},
		{map[string]string{"A=B": ""}, nil, `variable "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='`},
		{map[string]string{"": ""}, nil, `variable "": environment variable name must be non-empty`},
	} {
		if err := resource.SetEnv(original.DeepCopy(), tc.set, tc.unset); err == nil || err.Error() != tc.want {
			t.Errorf("got %v, want %s", err, tc.want)
		}
	}
	if err := resource.SetEnv(&appsv1.Deployment{}, nil, nil); err == nil {
		t.Error("there is no container")
	}
}
