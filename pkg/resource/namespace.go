package resource

import (
	"cmp"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource/admission"
)

func namespaceKind() Kind {
	return definition[*corev1.Namespace]{
		Kind:       Kind{Name: KindNamespace, APIVersion: "v1", Plural: "namespaces", Short: []string{"ns"}, LabelNames: true},
		empty:      func() *corev1.Namespace { return &corev1.Namespace{} },
		defaults:   defaultNamespace,
		copyStatus: func(o, from *corev1.Namespace) { o.Status = from.Status },
		columns:    []column[*corev1.Namespace]{{"STATUS", namespacePhase}},
		summary:    func(n *corev1.Namespace) string { return strings.ToLower(namespacePhase(n)) },
	}.kind()
}

// Values of Kubernetes' pkg/apis/core/v1/defaults.go.
const (
	namespaceNameLabel = "kubernetes.io/metadata.name"
	namespaceFinalizer = corev1.FinalizerName("kubernetes")
)

func defaultNamespace(n *corev1.Namespace) {
	if n.Name != "" && n.Labels[namespaceNameLabel] == "" {
		labels := maps.Clone(n.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		labels[namespaceNameLabel] = n.Name
		n.Labels = labels
	}
	if len(n.Spec.Finalizers) == 0 {
		n.Spec.Finalizers = []corev1.FinalizerName{namespaceFinalizer}
	}
	admission.Set(&n.Status.Phase, corev1.NamespaceActive)
}

func namespacePhase(n *corev1.Namespace) string {
	return string(cmp.Or(n.Status.Phase, corev1.NamespaceActive))
}
