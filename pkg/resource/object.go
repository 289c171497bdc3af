package resource

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Object is an object of one of the Kinds, such as *appsv1.Deployment.
type Object interface {
	metav1.Object
	runtime.Object
}

// Key names an object. Namespace is empty for kinds whose objects are in no namespace.
type Key struct {
	Kind      string
	Namespace string
	Name      string
}

// String is "deployment/cartservice". It leaves out the namespace: nearly everything in a shop is in one.
func (k Key) String() string { return strings.ToLower(k.Kind) + "/" + k.Name }

// KeyOf returns the key of an object; its Kind is empty for types that the shop does not know.
func KeyOf(o Object) Key {
	return Key{Kind: byGoType()[reflect.TypeOf(o)].Name, Namespace: o.GetNamespace(), Name: o.GetName()}
}

// KindOf returns the kind of an object by its Go type. The error is an *UnsupportedKindError.
func KindOf(o Object) (Kind, error) {
	if k, ok := byGoType()[reflect.TypeOf(o)]; ok {
		return k, nil
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

// ToTree returns an object as a JSON tree.
func ToTree(o Object) (map[string]any, error) {
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

// FromTree returns the object of a kind that a JSON tree holds. The tree is trusted to fit.
func FromTree(k Kind, tree map[string]any) (Object, error) {
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
