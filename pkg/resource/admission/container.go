package admission

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/shopctl/shopctl/pkg/suggest"
)

// container checks one container; names and volumes are those of its pod.
func (c *issues) container(path string, k *corev1.Container, names, volumes map[string]bool) {
	switch {
	case k.Name == "":
		c.add(path+".name", "is missing")
	case names[k.Name]:
		c.add(path+".name", "%q is the name of another container", k.Name)
	default:
		c.rule(path+".name", k.Name, validation.IsDNS1123Label(k.Name))
	}
	names[k.Name] = true
	if k.Image == "" {
		c.add(path+".image", "is missing")
	} else if strings.ContainsAny(k.Image, " \t\r\n") {
		c.add(path+".image", "%q has a space in it", k.Image)
	}
	c.ports(path+".ports", k.Ports)
	for i := range k.Env {
		c.env(item(path+".env", i), &k.Env[i])
	}
	for i := range k.EnvFrom {
		c.envFrom(item(path+".envFrom", i), &k.EnvFrom[i])
	}
	c.resources(path+".resources", k.Resources)
	c.probe(path+".livenessProbe", k.LivenessProbe, true)
	c.probe(path+".startupProbe", k.StartupProbe, true)
	c.probe(path+".readinessProbe", k.ReadinessProbe, false)
	c.mounts(path+".volumeMounts", k.VolumeMounts, volumes)
}

func (c *issues) ports(path string, ports []corev1.ContainerPort) {
	names := map[string]bool{}
	for i, p := range ports {
		at := item(path, i)
		c.port(at+".containerPort", p.ContainerPort)
		if p.HostPort != 0 {
			c.port(at+".hostPort", p.HostPort)
		}
		if p.Name == "" {
			continue
		}
		c.rule(at+".name", p.Name, validation.IsValidPortName(p.Name))
		if names[p.Name] {
			c.add(at+".name", "%q is the name of another port", p.Name)
		}
		names[p.Name] = true
	}
}

func (c *issues) env(path string, e *corev1.EnvVar) {
	if e.Name == "" {
		c.add(path+".name", "is missing")
	} else {
		c.rule(path+".name", e.Name, validation.IsRelaxedEnvVarName(e.Name))
	}
	if e.ValueFrom == nil {
		return
	}
	from := path + ".valueFrom"
	if e.Value != "" {
		c.add(from, "has no place beside a value")
	}
	if n := given(*e.ValueFrom); n != 1 {
		c.add(from, "must have exactly one of configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef; it has %d", n)
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
		c.fieldRef(from+".fieldRef.fieldPath", e.ValueFrom.FieldRef.FieldPath)
	case e.ValueFrom.ResourceFieldRef != nil && e.ValueFrom.ResourceFieldRef.Resource == "":
		c.add(from+".resourceFieldRef.resource", "is missing")
	}
}

// given counts the pointers of a union that are set.
func given(union any) int {
	v, n := reflect.ValueOf(union), 0
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			n++
		}
	}
	return n
}

func (c *issues) keyRef(path, name, key string) {
	c.reference(path+".name", name)
	if key == "" {
		c.add(path+".key", "is missing")
	} else {
		c.rule(path+".key", key, validation.IsConfigMapKey(key))
	}
}

// reference checks the name of another object.
func (c *issues) reference(path, name string) {
	if name == "" {
		c.add(path, "is missing")
	} else {
		c.rule(path, name, validation.IsDNS1123Subdomain(name))
	}
}

func (c *issues) fieldRef(path, field string) {
	known := []string{
		"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
		"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
	}
	for _, prefix := range []string{"metadata.labels['", "metadata.annotations['"} {
		if strings.HasPrefix(field, prefix) && strings.HasSuffix(field, "']") && len(field) > len(prefix)+len("']") {
			return
		}
	}
	if !slices.Contains(known, field) {
		c.add(path, "%q is no field that a variable can show%s; known are %s, metadata.labels['KEY'] and metadata.annotations['KEY']",
			field, suggest.Phrase(field, known), strings.Join(known, ", "))
	}
}

func (c *issues) envFrom(path string, e *corev1.EnvFromSource) {
	if n := given(*e); n != 1 {
		c.add(path, "must have exactly one of configMapRef, secretRef; it has %d", n)
		return
	}
	if e.ConfigMapRef != nil {
		c.reference(path+".configMapRef.name", e.ConfigMapRef.Name)
	}
	if e.SecretRef != nil {
		c.reference(path+".secretRef.name", e.SecretRef.Name)
	}
	if e.Prefix != "" {
		c.rule(path+".prefix", e.Prefix, validation.IsRelaxedEnvVarName(e.Prefix))
	}
}

func (c *issues) resources(path string, r corev1.ResourceRequirements) {
	for _, name := range slices.Sorted(maps.Keys(r.Limits)) {
		if q := r.Limits[name]; q.Sign() < 0 {
			c.add(path+".limits["+string(name)+"]", "%s is less than nothing", q.String())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
		request, at := r.Requests[name], path+".requests["+string(name)+"]"
		if request.Sign() < 0 {
			c.add(at, "%s is less than nothing", request.String())
		}
		if limit, ok := r.Limits[name]; ok && request.Cmp(limit) > 0 {
			c.add(at, "%s is more than the limit of %s", request.String(), limit.String())
		}
	}
}

// volumes checks the volumes of a pod and returns their names.
func (c *issues) volumes(path string, volumes []corev1.Volume) map[string]bool {
	names := map[string]bool{}
	for i, v := range volumes {
		at := item(path, i)
		switch {
		case v.Name == "":
			c.add(at+".name", "is missing")
		case names[v.Name]:
			c.add(at+".name", "%q is the name of another volume", v.Name)
		default:
			c.rule(at+".name", v.Name, validation.IsDNS1123Label(v.Name))
		}
		names[v.Name] = true
		if n := given(v.VolumeSource); n != 1 {
			c.add(at, "must have exactly one source; it has %d", n)
		}
		if v.ConfigMap != nil {
			c.reference(at+".configMap.name", v.ConfigMap.Name)
		}
		if v.Secret != nil {
			c.reference(at+".secret.secretName", v.Secret.SecretName)
		}
	}
	return names
}

func (c *issues) mounts(path string, mounts []corev1.VolumeMount, volumes map[string]bool) {
	paths := map[string]bool{}
	for i, m := range mounts {
		at := item(path, i)
		if !volumes[m.Name] {
			c.add(at+".name", "there is no volume %q%s", m.Name, suggest.Phrase(m.Name, slices.Collect(maps.Keys(volumes))))
		}
		switch {
		case m.MountPath == "":
			c.add(at+".mountPath", "is missing")
		case paths[m.MountPath]:
			c.add(at+".mountPath", "%q is mounted already", m.MountPath)
		}
		paths[m.MountPath] = true
	}
}
