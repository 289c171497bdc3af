package admission

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// maxAnnotations is the API server's limit, in bytes.
const maxAnnotations = 256 << 10

// Rule adds the first complaint of one of Kubernetes' own validators about a value.
func (c *Issues) Rule(path, value string, complaints []string) {
	if len(complaints) > 0 {
		c.Add(path, "%q is not valid: %s", value, withoutRegexp(complaints[0]))
	}
}

// withoutRegexp drops the regular expression; the example before it is enough.
func withoutRegexp(message string) string {
	before, _, found := strings.Cut(message, ", regex used for validation is")
	if found {
		before += ")"
	}
	return before
}

// Scope is the set of requirements of a kind for the metadata of its objects.
type Scope struct {
	// Kind as in manifests, for messages.
	Kind string
	// Namespaced objects are in a namespace.
	Namespaced bool
	// LabelName: names are DNS labels, without dots.
	LabelName bool
}

// Metadata checks name, namespace, labels and annotations.
func (c *Issues) Metadata(o metav1.Object, s Scope) {
	const namePath = "metadata.name"
	switch name := o.GetName(); {
	case name == "" && o.GetGenerateName() != "":
		c.Add("metadata.generateName", "generated names are not supported; write metadata.name")
	case name == "":
		c.Add(namePath, "is missing")
	case s.LabelName:
		c.Rule(namePath, name, validation.IsDNS1123Label(name))
	default:
		c.Rule(namePath, name, validation.IsDNS1123Subdomain(name))
	}
	c.AtLeast("metadata.generation", o.GetGeneration(), 0)
	if ns := o.GetNamespace(); ns != "" {
		if s.Namespaced {
			c.Rule("metadata.namespace", ns, validation.IsDNS1123Label(ns))
		} else {
			c.Add("metadata.namespace", "a %s cannot have a namespace", s.Kind)
		}
	}
	c.Labels("metadata.labels", o.GetLabels())
	c.Annotations("metadata.annotations", o.GetAnnotations())
	c.Finalizers("metadata.finalizers", o.GetFinalizers())
	c.owners("metadata.ownerReferences", o.GetOwnerReferences())
}

// Finalizers checks that finalizers have the names of those that Kubernetes knows, or a domain.
func (c *Issues) Finalizers(path string, finalizers []string) {
	known := []string{metav1.FinalizerOrphanDependents, metav1.FinalizerDeleteDependents, string(corev1.FinalizerKubernetes)}
	for i, f := range finalizers {
		at := Item(path, i)
		complaints := validation.IsQualifiedName(f)
		c.Rule(at, f, complaints)
		if len(complaints) == 0 && !strings.Contains(f, "/") && !slices.Contains(known, f) {
			c.Add(at, "%q is not one of %s and has no domain, as in example.com/%s", f, strings.Join(known, ", "), f)
		}
	}
	if slices.Contains(finalizers, metav1.FinalizerOrphanDependents) && slices.Contains(finalizers, metav1.FinalizerDeleteDependents) {
		c.Add(path, "%s and %s cannot be combined", metav1.FinalizerOrphanDependents, metav1.FinalizerDeleteDependents)
	}
}

// owners checks references to the objects that own an object.
func (c *Issues) owners(path string, owners []metav1.OwnerReference) {
	controller := ""
	for i, o := range owners {
		at := Item(path, i)
		version, err := schema.ParseGroupVersion(o.APIVersion)
		switch {
		case err != nil:
			c.Add(at+".apiVersion", "%q is not a version such as v1 or apps/v1", o.APIVersion)
		case version.Version == "":
			c.Add(at+".apiVersion", "is missing")
		case version.String() == "v1" && o.Kind == "Event":
			c.Add(at, "an Event cannot own objects")
		}
		c.Required(at+".kind", o.Kind)
		c.Required(at+".name", o.Name)
		c.Required(at+".uid", string(o.UID))
		if o.Controller != nil && *o.Controller {
			if controller != "" {
				c.Add(path, "only one owner can be the controller; %q and %q are", controller, o.Name)
			}
			controller = o.Name
		}
	}
}

// Labels checks the keys and values of labels.
func (c *Issues) Labels(path string, labels map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		at := Entry(path, k)
		c.Rule(at, k, validation.IsQualifiedName(k))
		c.Rule(at, labels[k], validation.IsValidLabelValue(labels[k]))
	}
}

// Annotations checks the keys of annotations and their size.
func (c *Issues) Annotations(path string, annotations map[string]string) {
	size := 0
	for _, k := range slices.Sorted(maps.Keys(annotations)) {
		c.Rule(Entry(path, k), k, validation.IsQualifiedName(strings.ToLower(k)))
		if k != corev1.LastAppliedConfigAnnotation { // it would halve what an applied object can hold
			size += len(k) + len(annotations[k])
		}
	}
	if size > maxAnnotations {
		c.Add(path, "%d bytes are too many; all annotations together may have %d", size, maxAnnotations)
	}
}

// Immutable checks the change of an object that has an "immutable" field.
func (c *Issues) Immutable(was, is *bool, sameData bool) {
	if was == nil || !*was {
		return
	}
	if is == nil || !*is {
		c.Add("immutable", "cannot be unset; delete the object first")
	}
	if !sameData {
		c.Add("data", "cannot change, the object is immutable; delete it first")
	}
}

// AtLeast adds an issue if a number is too small.
func (c *Issues) AtLeast(path string, value, least int64) {
	if value < least {
		c.Add(path, "%d is too small; it must be at least %d", value, least)
	}
}

// Port adds an issue if a number is not a port.
func (c *Issues) Port(path string, port int32) {
	if port < 1 || port > 65535 {
		c.Add(path, "%d is not a port; ports are 1 to 65535", port)
	}
}

// Equal compares by JSON, for which nil and empty lists and different spellings of one quantity are the same.
func Equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// Set sets a field that has its zero value.
func Set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// SetPointer sets a field that is nil.
func SetPointer[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}
