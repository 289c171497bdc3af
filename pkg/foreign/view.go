package foreign

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// view is a set of objects in the form in which they are compared.
type view struct {
	// revisions differ where an object was changed.
	revisions   map[resource.Key]string
	deployments map[resource.Key]*appsv1.Deployment
	namespaces  map[string]*corev1.Namespace
	// external are the Services of the type ExternalName: other hosts.
	external map[resource.Key]bool
	// services are those that an address may name; nil: any.
	services map[orchestrator.Key]bool
	resolver *podspec.Resolver
}

func newEmptyView() *view {
	return &view{
		revisions: map[resource.Key]string{}, deployments: map[resource.Key]*appsv1.Deployment{}, namespaces: map[string]*corev1.Namespace{}, external: map[resource.Key]bool{},
		resolver: &podspec.Resolver{ConfigMaps: map[orchestrator.Key]*corev1.ConfigMap{}, Secrets: map[orchestrator.Key]*corev1.Secret{}},
	}
}

func newView(snap store.Snapshot) *view {
	v := newEmptyView()
	v.services = map[orchestrator.Key]bool{}
	for _, k := range resource.Kinds() {
		for _, o := range snap.List(k.Name, "") {
			v.add(o)
		}
	}
	return v
}

func viewOf(manifests []resource.Manifest) *view {
	v := newEmptyView()
	for _, m := range manifests {
		v.add(m.Object)
	}
	return v
}

func (v *view) add(o resource.Object) {
	v.revisions[resource.KeyOf(o)] = string(o.GetUID()) + " " + o.GetResourceVersion()
	key := orchestrator.Key{Namespace: o.GetNamespace(), Name: o.GetName()}
	switch o := o.(type) {
	case *appsv1.Deployment:
		v.deployments[resource.KeyOf(o)] = o
	case *corev1.Namespace:
		v.namespaces[o.Name] = o
	case *corev1.ConfigMap:
		v.resolver.ConfigMaps[key] = o
	case *corev1.Secret:
		v.resolver.Secrets[key] = o
	case *corev1.Service:
		v.external[resource.KeyOf(o)] = o.Spec.Type == corev1.ServiceTypeExternalName
		if v.services != nil {
			v.services[key] = true
		}
	}
}

// changedSince returns the keys of objects that were created, changed or deleted, in order.
func (v *view) changedSince(before *view) []resource.Key {
	changed := map[resource.Key]bool{}
	for _, keys := range []map[resource.Key]string{before.revisions, v.revisions} {
		for key := range keys {
			if before.revisions[key] != v.revisions[key] {
				changed[key] = true
			}
		}
	}
	return sorted(maps.Keys(changed))
}

// sorted orders keys, so that of several reasons for a refusal the same is named each time.
func sorted(keys iter.Seq[resource.Key]) []resource.Key {
	return slices.SortedFunc(keys, func(a, b resource.Key) int { return cmp.Compare(a.String(), b.String()) })
}

// replicas is the number of instances that there are to be.
func (v *view) replicas() (n int64) {
	for _, d := range v.deployments {
		n += int64(resource.Replicas(d))
	}
	return n
}
