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
func (c *Issues) container(path string, k *corev1.Container, names, volumes map[string]bool) {
	switch {
	case k.Name == "":
		c.Add(path+".name", "is missing")
	case names[k.Name]:
		c.Add(path+".name", "%q is the name of another container", k.Name)
	default:
		c.Rule(path+".name", k.Name, validation.IsDNS1123Label(k.Name))
	}
	names[k.Name] = true
	if k.Image == "" {
		c.Add(path+".image", "is missing")
	} else if strings.ContainsAny(k.Image, " \t\r\n") {
		c.Add(path+".image", "%q has a space in it", k.Image)
	}
	c.ports(path+".ports", k.Ports)
	for i := range k.Env {
		c.env(Item(path+".env", i), &k.Env[i])
	}
	for i := range k.EnvFrom {
		c.envFrom(Item(path+".envFrom", i), &k.EnvFrom[i])
	}
	c.resources(path+".resources", k.Resources)
	c.probe(path+".livenessProbe", k.LivenessProbe, true)
	c.probe(path+".startupProbe", k.StartupProbe, true)
	c.probe(path+".readinessProbe", k.ReadinessProbe, false)
	c.mounts(path+".volumeMounts", k.VolumeMounts, volumes)
}

// initContainer checks what init containers may have. One that keeps running (a sidecar) may have probes.
func (c *Issues) initContainer(path string, k *corev1.Container) {
	if k.RestartPolicy != nil && *k.RestartPolicy != corev1.ContainerRestartPolicyAlways {
		c.Add(path+".restartPolicy", "%q is not possible; only Always is, for a container that keeps running beside the others", *k.RestartPolicy)
	}
	if k.RestartPolicy != nil {
		return
	}
	for _, p := range []struct {
		name  string
		probe *corev1.Probe
	}{{"livenessProbe", k.LivenessProbe}, {"readinessProbe", k.ReadinessProbe}, {"startupProbe", k.StartupProbe}} {
		if p.probe != nil {
			c.Add(path+"."+p.name, "is not possible for an init container that runs to completion; with restartPolicy: Always it is")
		}
	}
}

func (c *Issues) ports(path string, ports []corev1.ContainerPort) {
	names := map[string]bool{}
	for i, p := range ports {
		at := Item(path, i)
		c.Port(at+".containerPort", p.ContainerPort)
		if p.HostPort != 0 {
			c.Port(at+".hostPort", p.HostPort)
		}
		if p.Name == "" {
			continue
		}
		c.Rule(at+".name", p.Name, validation.IsValidPortName(p.Name))
		if names[p.Name] {
			c.Add(at+".name", "%q is the name of another port", p.Name)
		}
		names[p.Name] = true
	}
}

func (c *Issues) env(path string, e *corev1.EnvVar) {
	if e.Name == "" {
		c.Add(path+".name", "is missing")
	} else {
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
		c.fieldRef(from+".fieldRef.fieldPath", e.ValueFrom.FieldRef.FieldPath)
	case e.ValueFrom.ResourceFieldRef != nil && e.ValueFrom.ResourceFieldRef.Resource == "":
		c.Add(from+".resourceFieldRef.resource", "is missing")
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

func (c *Issues) keyRef(path, name, key string) {
	c.reference(path+".name", name)
	if key == "" {
		c.Add(path+".key", "is missing")
	} else {
		c.Rule(path+".key", key, validation.IsConfigMapKey(key))
	}
}

// reference checks the name of another object.
func (c *Issues) reference(path, name string) {
	if name == "" {
		c.Add(path, "is missing")
	} else {
		c.Rule(path, name, validation.IsDNS1123Subdomain(name))
	}
}

func (c *Issues) fieldRef(path, field string) {
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
		c.Add(path, "%q is not a field that a variable can show%s; known are %s, metadata.labels['KEY'] and metadata.annotations['KEY']",
			field, suggest.Phrase(field, known), strings.Join(known, ", "))
	}
}

func (c *Issues) envFrom(path string, e *corev1.EnvFromSource) {
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
	if e.Prefix != "" {
		c.Rule(path+".prefix", e.Prefix, validation.IsRelaxedEnvVarName(e.Prefix))
	}
}

func (c *Issues) resources(path string, r corev1.ResourceRequirements) {
	for _, name := range slices.Sorted(maps.Keys(r.Limits)) {
		if q := r.Limits[name]; q.Sign() < 0 {
			c.Add(path+".limits["+string(name)+"]", "%s is negative", q.String())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
		request, at := r.Requests[name], path+".requests["+string(name)+"]"
		if request.Sign() < 0 {
			c.Add(at, "%s is negative", request.String())
		}
		if limit, ok := r.Limits[name]; ok && request.Cmp(limit) > 0 {
			c.Add(at, "%s is more than the limit of %s", request.String(), limit.String())
		}
	}
}

// volumes checks the volumes of a pod and returns their names.
func (c *Issues) volumes(path string, volumes []corev1.Volume) map[string]bool {
	names := map[string]bool{}
	for i, v := range volumes {
		at := Item(path, i)
		switch {
		case v.Name == "":
			c.Add(at+".name", "is missing")
		case names[v.Name]:
			c.Add(at+".name", "%q is the name of another volume", v.Name)
		default:
			c.Rule(at+".name", v.Name, validation.IsDNS1123Label(v.Name))
		}
		names[v.Name] = true
		if n := given(v.VolumeSource); n != 1 {
			c.Add(at, "must have exactly one source; it has %d", n)
		}
		if v.ConfigMap != nil {
			c.reference(at+".configMap.name", v.ConfigMap.Name)
		}
		if v.Secret != nil {
			c.reference(at+".secret.secretName", v.Secret.SecretName)
		}
		if v.PersistentVolumeClaim != nil {
			c.reference(at+".persistentVolumeClaim.claimName", v.PersistentVolumeClaim.ClaimName)
		}
	}
	return names
}

func (c *Issues) mounts(path string, mounts []corev1.VolumeMount, volumes map[string]bool) {
	paths := map[string]bool{}
	for i, m := range mounts {
		at := Item(path, i)
		if !volumes[m.Name] {
			c.Add(at+".name", "there is no volume %q%s", m.Name, suggest.Phrase(m.Name, slices.Collect(maps.Keys(volumes))))
		}
		switch {
		case m.MountPath == "":
			c.Add(at+".mountPath", "is missing")
		case paths[m.MountPath]:
			c.Add(at+".mountPath", "%q is mounted already", m.MountPath)
		}
		paths[m.MountPath] = true
	}
}
