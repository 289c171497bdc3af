package resource

import corev1 "k8s.io/api/core/v1"

// defaultServiceAccount exists in every namespace without a manifest.
const defaultServiceAccount = "default"

func serviceAccountKind() Kind {
	return definition[*corev1.ServiceAccount]{
		Kind: Kind{
			Name: KindServiceAccount, APIVersion: "v1", Plural: "serviceaccounts", Short: []string{"sa"},
			Namespaced: true, Restorable: true,
		},
		empty: func() *corev1.ServiceAccount { return &corev1.ServiceAccount{} },
	}.kind()
}
