package restore

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
)

// isConfig reports whether instances read the object when they start. It must be restored before any of them starts.
func isConfig(o object) bool {
	return o.Kind == resource.KindConfigMap || o.Kind == resource.KindSecret
}

// staleReaders returns the unchanged Deployments with an instance that may have read configuration that is being
// restored, each marked to have its instances replaced.
func staleReaders(before, now []object, at time.Time) ([]object, error) {
	restored := map[resource.Key]bool{}
	was, is := byKey(before), byKey(now)
	for key, o := range is {
		restored[key] = isConfig(o) && !o.same(was[key])
	}
	for key, o := range was {
		if _, ok := is[key]; !ok {
			restored[key] = isConfig(o)
		}
	}
	var stale []object
	for _, o := range before {
		if o.Kind != resource.KindDeployment || !o.same(is[o.key()]) {
			continue // one that changed is rolled out by being restored
		}
		marked, err := markIfReads(o, restored, at)
		if err != nil {
			return nil, err
		}
		if marked != nil {
			stale = append(stale, *marked)
		}
	}
	return stale, nil
}

func byKey(objects []object) map[resource.Key]object {
	found := map[resource.Key]object{}
	for _, o := range objects {
		found[o.key()] = o
	}
	return found
}

// markIfReads returns the Deployment with a restart, if its environment comes from one of the objects; else nil.
func markIfReads(o object, objects map[resource.Key]bool, at time.Time) (*object, error) {
	parsed, err := resource.FromJSON(o.Kind, o.JSON)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", o.key(), err)
	}
	d, ok := parsed.(*appsv1.Deployment)
	if !ok || resource.Replicas(d) == 0 || !readsAny(o.Namespace, d, objects) {
		return nil, nil
	}
	if err := resource.Restart(d, at); err != nil {
		return nil, fmt.Errorf("restart %s: %w", o.key(), err)
	}
	if o.JSON, err = encode(d); err != nil {
		return nil, err
	}
	return &o, nil
}

// readsAny reports whether the environment of a container comes from one of the objects.
func readsAny(namespace string, d *appsv1.Deployment, objects map[resource.Key]bool) bool {
	reads := func(kind, name string) bool {
		return objects[resource.Key{Kind: kind, Namespace: namespace, Name: name}]
	}
	spec := d.Spec.Template.Spec
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, from := range c.EnvFrom {
			if r := from.ConfigMapRef; r != nil && reads(resource.KindConfigMap, r.Name) {
				return true
			}
			if r := from.SecretRef; r != nil && reads(resource.KindSecret, r.Name) {
				return true
			}
		}
		if slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return readsEnv(e.ValueFrom, reads) }) {
			return true
		}
	}
	return false
}

func readsEnv(from *corev1.EnvVarSource, reads func(kind, name string) bool) bool {
	if from == nil {
		return false
	}
	return from.ConfigMapKeyRef != nil && reads(resource.KindConfigMap, from.ConfigMapKeyRef.Name) ||
		from.SecretKeyRef != nil && reads(resource.KindSecret, from.SecretKeyRef.Name)
}
