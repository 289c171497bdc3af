package resource

import (
	"encoding/json"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/shopctl/shopctl/pkg/resource/monitoring"
)

// Object is one of *appsv1.Deployment, *corev1.Service, *corev1.ConfigMap, *corev1.Secret,
// *corev1.ServiceAccount, *corev1.Namespace and *monitoring.PrometheusRule.
type Object interface {
	metav1.Object
	runtime.Object
}

// Key names an object. Namespace is empty for kinds outside of namespaces.
type Key struct {
	Kind      string
	Namespace string
	Name      string
}

// String is "deployment/cartservice". It leaves out the namespace: nearly everything in a shop is in one.
func (k Key) String() string { return strings.ToLower(k.Kind) + "/" + k.Name }

// KeyOf returns the key of an object; its Kind is empty for types that the shop does not know.
func KeyOf(o Object) Key {
	return Key{Kind: kindName(o), Namespace: o.GetNamespace(), Name: o.GetName()}
}

func kindName(o Object) string {
	switch o.(type) {
	case *appsv1.Deployment:
		return KindDeployment
	case *corev1.Service:
		return KindService
	case *corev1.ConfigMap:
		return KindConfigMap
	case *corev1.Secret:
		return KindSecret
	case *corev1.ServiceAccount:
		return KindServiceAccount
	case *corev1.Namespace:
		return KindNamespace
	case *monitoring.PrometheusRule:
		return KindPrometheusRule
	}
	return ""
}

// kindOf returns the kind of an object by its Go type.
func kindOf(o Object) (Kind, error) {
	name := kindName(o)
	for _, k := range Kinds() {
		if k.Name == name {
			return k, nil
		}
	}
	return Kind{}, &UnsupportedKindError{Kind: fmt.Sprintf("%T", o)}
}

func setType(o Object, k Kind) {
	o.GetObjectKind().SetGroupVersionKind(schema.FromAPIVersionAndKind(k.APIVersion, k.Name))
}

// FromJSON reads an object of a kind that LookupKind knows.
func FromJSON(kind string, data []byte) (Object, error) {
	k, err := LookupKind(kind)
	if err != nil {
		return nil, err
	}
	o := k.New()
	if err := json.Unmarshal(data, o); err != nil {
		return nil, err
	}
	return o, nil
}

// Clone returns a deep copy.
func Clone[T Object](o T) T { return o.DeepCopyObject().(T) }

// toTree turns an object into the tree that its JSON stands for.
func toTree(o Object) (map[string]any, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", KeyOf(o), err)
	}
	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		return nil, fmt.Errorf("encode %s: %w", KeyOf(o), err)
	}
	return tree, nil
}

// fromTree turns a tree into an object of the kind. The tree is trusted to fit.
func fromTree(k Kind, tree map[string]any) (Object, error) {
	data, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", k.Singular(), err)
	}
	o := k.New()
	if err := json.Unmarshal(data, o); err != nil {
		return nil, fmt.Errorf("decode %s: %w", k.Singular(), err)
	}
	setType(o, k)
	return o, nil
}
