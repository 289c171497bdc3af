package admission

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/shopctl/shopctl/pkg/suggest"
)

func (c *Issues) env(path string, e *corev1.EnvVar, volumes map[string]*corev1.Volume) {
	if !c.Required(path+".name", e.Name) {
		c.Rule(path+".name", e.Name, validation.IsRelaxedEnvVarName(e.Name))
	}
	if e.ValueFrom == nil {
		return
	}
	from := path + ".valueFrom"
	if e.Value != "" {
		c.Add(from, "cannot be combined with value")
	}
	if n := given(*e.ValueFrom); n != 1 {
		c.Add(from, "must have exactly one of configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef; it has %d", n)
		return
	}
	switch {
	case e.ValueFrom.ConfigMapKeyRef != nil:
		r := e.ValueFrom.ConfigMapKeyRef
		c.keyRef(from+".configMapKeyRef", r.Name, r.Key)
	case e.ValueFrom.SecretKeyRef != nil:
		r := e.ValueFrom.SecretKeyRef
		c.keyRef(from+".secretKeyRef", r.Name, r.Key)
	case e.ValueFrom.FieldRef != nil:
		c.fieldRef(from+".fieldRef", e.ValueFrom.FieldRef, "a variable", []string{
			"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
			"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
		})
	case e.ValueFrom.ResourceFieldRef != nil:
		c.resourceRef(from+".resourceFieldRef", e.ValueFrom.ResourceFieldRef)
	case e.ValueFrom.FileKeyRef != nil:
		c.fileRef(from+".fileKeyRef", e.ValueFrom.FileKeyRef, volumes)
	}
}

func (c *Issues) keyRef(path, name, key string) {
	c.reference(path+".name", name)
	if !c.Required(path+".key", key) {
		c.Rule(path+".key", key, validation.IsConfigMapKey(key))
	}
}

// fileRef checks a reference to a file that an init container writes.
func (c *Issues) fileRef(path string, r *corev1.FileKeySelector, volumes map[string]*corev1.Volume) {
	c.volumeName(path+".volumeName", r.VolumeName, volumes)
	if v := volumes[r.VolumeName]; v != nil && v.EmptyDir == nil {
		c.Add(path+".volumeName", "volume %q is not an emptyDir, which it must be", r.VolumeName)
	}
	if !c.Required(path+".path", r.Path) {
		c.within(path+".path", r.Path)
	}
	if !c.Required(path+".key", r.Key) {
		c.Rule(path+".key", r.Key, validation.IsRelaxedEnvVarName(r.Key))
	}
}

// reference checks the name of another object.
func (c *Issues) reference(path, name string) {
	if !c.Required(path, name) {
		c.Rule(path, name, validation.IsDNS1123Subdomain(name))
	}
}

// fieldRef checks a reference to one of the pod's own fields; what is what can show those that are known.
func (c *Issues) fieldRef(path string, ref *corev1.ObjectFieldSelector, what string, known []string) {
	at, field := path+".fieldPath", ref.FieldPath
	if c.Required(at, field) {
		return
	}
	if ref.APIVersion != "v1" && ref.APIVersion != "" {
		c.Add(at, "apiVersion %q has no such field; remove apiVersion", ref.APIVersion)
		return
	}
	for prefix, keyOf := range map[string]func(string) string{"metadata.labels['": strings.Clone, "metadata.annotations['": strings.ToLower} {
		key, found := strings.CutPrefix(field, prefix)
		if key, closed := strings.CutSuffix(key, "']"); found && closed {
			c.Rule(path, key, validation.IsQualifiedName(keyOf(key)))
			return
		}
	}
	if !slices.Contains(known, field) {
		c.Add(at, "%q is not a field that %s can show%s; known are %s, metadata.labels['KEY'] and metadata.annotations['KEY']",
			field, what, suggest.Phrase(field, known), strings.Join(known, ", "))
	}
}

// resourceRef checks a reference to a container's own request or limit.
func (c *Issues) resourceRef(path string, ref *corev1.ResourceFieldSelector) {
	known := []string{
		"limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage",
	}
	kind, name, _ := strings.Cut(ref.Resource, ".")
	pages := strings.HasPrefix(name, corev1.ResourceHugePagesPrefix) && (kind == "limits" || kind == "requests")
	if !c.Required(path+".resource", ref.Resource) && !pages {
		OneOf(c, path+".resource", ref.Resource, known...)
	}
	if ref.Divisor.IsZero() {
		return
	}
	divisors := []string{"1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"}
	if name == string(corev1.ResourceCPU) {
		divisors = []string{"1m", "1"}
	}
	if (pages || slices.Contains(known, ref.Resource)) && !slices.Contains(divisors, ref.Divisor.String()) {
		c.Add(path+".divisor", "%s is not one of %s", ref.Divisor.String(), strings.Join(divisors, ", "))
	}
}

func (c *Issues) envFrom(path string, e *corev1.EnvFromSource) {
	if e.Prefix != "" {
		c.Rule(path+".prefix", e.Prefix, validation.IsRelaxedEnvVarName(e.Prefix))
	}
	if n := given(*e); n != 1 {
		c.Add(path, "must have exactly one of configMapRef, secretRef; it has %d", n)
		return
	}
	if e.ConfigMapRef != nil {
		c.reference(path+".configMapRef.name", e.ConfigMapRef.Name)
	}
	if e.SecretRef != nil {
		c.reference(path+".secretRef.name", e.SecretRef.Name)
	}
}
