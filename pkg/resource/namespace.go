package resource

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource/admission"
)

func namespaceKind() Kind {
	return definition[*corev1.Namespace]{
		Kind:       Kind{Name: KindNamespace, APIVersion: "v1", Plural: "namespaces", Short: []string{"ns"}, LabelNames: true, Restorable: true},
		empty:      func() *corev1.Namespace { return &corev1.Namespace{} },
		defaults:   defaultNamespace,
		check:      checkNamespace,
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
	if n.Name != "" && n.Labels[namespaceNameLabel] != n.Name {
		labels := maps.Clone(n.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		labels[namespaceNameLabel] = n.Name
		n.Labels = labels
	}
	if !slices.Contains(n.Spec.Finalizers, namespaceFinalizer) {
		n.Spec.Finalizers = append(n.Spec.Finalizers, namespaceFinalizer)
	}
	admission.Set(&n.Status.Phase, corev1.NamespaceActive)
}

// checkNamespace adds what the API server would refuse in a Namespace.
func checkNamespace(c *admission.Issues, n *corev1.Namespace) {
	names := make([]string, len(n.Spec.Finalizers))
	for i, f := range n.Spec.Finalizers {
		names[i] = string(f)
	}
	c.Finalizers("spec.finalizers", names)
}

func namespacePhase(n *corev1.Namespace) string {
	return string(cmp.Or(n.Status.Phase, corev1.NamespaceActive))
}
