package foreign

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
)

// joins reports whether a change is that of the shop's namespace to the mesh, or out of it: of nothing but the label.
func (l Limits) joins(key resource.Key, was, is *view) bool {
	before, now := was.namespaces[key.Name], is.namespaces[key.Name]
	if key.Kind != resource.KindNamespace || key.Name != l.Namespace || before == nil || now == nil {
		return false
	}
	return reflect.DeepEqual(unlabeled(before), unlabeled(now))
}

// unlabeled is a Namespace without what a label changes.
func unlabeled(n *corev1.Namespace) *corev1.Namespace {
	rest := n.DeepCopy()
	delete(rest.Labels, resource.InjectionLabel)
	if len(rest.Labels) == 0 {
		rest.Labels = nil
	}
	rest.ResourceVersion, rest.Generation, rest.ManagedFields = "", 0, nil
	return rest
}

// isProxy reports whether a container is a gateway's: the sidecar of the shop itself, and nothing that a lesson chooses.
func isProxy(annotated bool, c corev1.Container) bool {
	return annotated && c.Name == "istio-proxy" && c.Image == "auto" && len(c.Env) == 0 && len(c.EnvFrom) == 0 && len(c.VolumeMounts) == 0
}
