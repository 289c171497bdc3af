package resource

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	// RestartedAtAnnotation is set on a pod template to make a new rollout of it, as kubectl does.
	RestartedAtAnnotation = "kubectl.kubernetes.io/restartedAt"
	// StoppedReplicasAnnotation records on a stopped Deployment how many replicas it had.
	StoppedReplicasAnnotation = "shopctl/stopped-replicas"
	// InjectedFaultsAnnotation names the faults in the rules of a VirtualService, "f1,f2". Such an object is shown, and is not to
	// be stored: the rules go with the faults.
	InjectedFaultsAnnotation = "shopctl/injected-faults"
)

// Replicas is how many instances a Deployment should have; 1 unless it is set.
func Replicas(d *appsv1.Deployment) int32 {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}

// Scale sets how many instances there should be; 0 or more.
func Scale(d *appsv1.Deployment, replicas int32) error {
	if replicas < 0 {
		return fmt.Errorf("replicas must not be negative (got %d)", replicas)
	}
	d.Spec.Replicas = &replicas
	clearStop(d)
	return nil
}

// Restart replaces all instances by a rolling update.
func Restart(d *appsv1.Deployment, now time.Time) error {
	if Replicas(d) == 0 {
		return errors.New("it is stopped: start it instead")
	}
	annotations := maps.Clone(d.Spec.Template.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	// kubectl writes seconds; two restarts within one should be two.
	annotations[RestartedAtAnnotation] = now.UTC().Format(time.RFC3339Nano)
	d.Spec.Template.Annotations = annotations
	return nil
}

// Stop scales to no instance and records how many there were. Stopping a stopped Deployment does nothing.
func Stop(d *appsv1.Deployment) error {
	replicas := Replicas(d)
	if replicas == 0 {
		return nil
	}
	annotations := maps.Clone(d.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[StoppedReplicasAnnotation] = strconv.Itoa(int(replicas))
	d.Annotations = annotations
	d.Spec.Replicas = new(int32)
	return nil
}

// Start scales to as many instances as there were before Stop, or to one. Starting a running Deployment does nothing.
func Start(d *appsv1.Deployment) error {
	if Replicas(d) == 0 {
		replicas := int32(1)
		recorded := d.Annotations[StoppedReplicasAnnotation]
		if n, err := strconv.ParseInt(recorded, 10, 32); err == nil && n > 0 {
			replicas = int32(n)
		}
		d.Spec.Replicas = &replicas
	}
	clearStop(d)
	return nil
}

func clearStop(d *appsv1.Deployment) {
	annotations := maps.Clone(d.Annotations)
	delete(annotations, StoppedReplicasAnnotation)
	if len(annotations) == len(d.Annotations) {
		return
	}
	if len(annotations) == 0 {
		annotations = nil
	}
	d.Annotations = annotations
}

// SetEnv sets and unsets variables of the first container. Existing ones keep their place in the list, new ones
// follow in alphabetical order; unsetting one that does not exist is an error.
func SetEnv(d *appsv1.Deployment, set map[string]string, unset []string) error {
	if len(d.Spec.Template.Spec.Containers) == 0 {
		return errors.New("it has no containers")
	}
	containers := slices.Clone(d.Spec.Template.Spec.Containers)
	env := slices.Clone(containers[0].Env)
	for _, name := range unset {
		if _, both := set[name]; both {
			return fmt.Errorf("variable %s: it can be set or unset, not both", name)
		}
		if !slices.ContainsFunc(env, named(name)) {
			return fmt.Errorf("unset variable %s: it is not set", name)
		}
		env = slices.DeleteFunc(env, named(name))
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if problems := validation.IsRelaxedEnvVarName(name); len(problems) > 0 {
			return fmt.Errorf("variable %q: %s", name, problems[0])
		}
		v := corev1.EnvVar{Name: name, Value: set[name]}
		if i := slices.IndexFunc(env, named(name)); i >= 0 {
			env[i] = v
		} else {
			env = append(env, v)
		}
	}
	containers[0].Env = env
	d.Spec.Template.Spec.Containers = containers
	return nil
}

func named(name string) func(corev1.EnvVar) bool {
	return func(v corev1.EnvVar) bool { return v.Name == name }
}
