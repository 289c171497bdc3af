package admission

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CheckUpdate returns what the API server would refuse in replacing one object by another of the same kind.
func CheckUpdate(old, updated Object) []Issue {
	var c issues
	switch updated := updated.(type) {
	case *appsv1.Deployment:
		if old, ok := old.(*appsv1.Deployment); ok && !equal(old.Spec.Selector, updated.Spec.Selector) {
			c.add("spec.selector", "cannot change once the Deployment exists (it is %s); delete the Deployment first",
				metav1.FormatLabelSelector(old.Spec.Selector))
		}
	case *corev1.Secret:
		old, ok := old.(*corev1.Secret)
		if !ok {
			break
		}
		if old.Type != updated.Type {
			c.add("type", "cannot change from %s; delete the Secret first", old.Type)
		}
		c.immutable(old.Immutable, updated.Immutable, equal(old.Data, updated.Data))
	case *corev1.ConfigMap:
		if old, ok := old.(*corev1.ConfigMap); ok {
			c.immutable(old.Immutable, updated.Immutable, equal(old.Data, updated.Data) && equal(old.BinaryData, updated.BinaryData))
		}
	}
	return c
}

func (c *issues) immutable(was, is *bool, sameData bool) {
	if was == nil || !*was {
		return
	}
	if is == nil || !*is {
		c.add("immutable", "cannot be taken back; delete the object first")
	}
	if !sameData {
		c.add("data", "cannot change, the object is immutable; delete it first")
	}
}

func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
