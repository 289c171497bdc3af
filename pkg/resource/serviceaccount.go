package resource

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource/admission"
)

// defaultServiceAccount exists in every namespace without a manifest.
const defaultServiceAccount = "default"

func serviceAccountKind() Kind {
	return definition[*corev1.ServiceAccount]{
		Kind: Kind{
			Name: KindServiceAccount, APIVersion: "v1", Plural: "serviceaccounts", Short: []string{"sa"},
			Namespaced: true, Restorable: true,
		},
		empty: func() *corev1.ServiceAccount { return &corev1.ServiceAccount{} },
		inert: func() []admission.Inert {
			return []admission.Inert{
				{Field: "automountServiceAccountToken", Message: "has no effect here; there is no token to mount", Silent: []any{false}},
				{Field: "imagePullSecrets", Message: "has no effect here; no images are pulled"},
				{Field: "secrets", Message: "has no effect here; there is no token to mount"},
			}
		},
	}.kind()
}
