// Package admission does what the API server does before it stores an object: it fills in what was left out
// (Default) and refuses what cannot be (Check, CheckUpdate). Beyond that it says which fields are legal but
// have no effect on one machine (Warnings). It looks at one object at a time and knows nothing of a store.
package admission

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Issue is something to say about one field.
type Issue struct {
	// Path of the field: "spec.template.spec.containers[0].image".
	Path    string
	Message string
}

// Object is any of the objects that Default and Check know.
type Object interface {
	metav1.Object
	runtime.Object
}

// Default fills in what the manifest leaves out, as Kubernetes does.
func Default(o Object) {
	switch o := o.(type) {
	case *appsv1.Deployment:
		defaultDeployment(o)
	case *corev1.Service:
		defaultService(o)
	case *corev1.Secret:
		defaultSecret(o)
	case *corev1.Namespace:
		defaultNamespace(o)
	}
}
