package resource

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// finder collects the references of one pod template to objects that do not exist.
type finder struct {
	*admission.Issues
	others    Objects
	namespace string
}

// warnReferences warns of the references of a pod template to objects that do not exist.
func warnReferences(c *admission.Issues, path string, p *corev1.PodSpec, namespace string, others Objects) {
	f := finder{c, others, namespace}
	if name := p.ServiceAccountName; name != "" && name != defaultServiceAccount && others.Find(Key{KindServiceAccount, namespace, name}) == nil {
		c.Add(path+".serviceAccountName", "there is no ServiceAccount %q; a cluster would start no instance%s", name,
			suggest.Phrase(name, others.Names(KindServiceAccount, namespace)))
	}
	for i, v := range p.Volumes {
		at := admission.Item(path+".volumes", i)
		if v.ConfigMap != nil {
			f.object(at+".configMap.name", KindConfigMap, v.ConfigMap.Name, v.ConfigMap.Optional)
		}
		if v.Secret != nil {
			f.object(at+".secret.secretName", KindSecret, v.Secret.SecretName, v.Secret.Optional)
		}
		if v.PersistentVolumeClaim != nil {
			f.object(at+".persistentVolumeClaim.claimName", KindPersistentVolumeClaim, v.PersistentVolumeClaim.ClaimName, nil)
		}
	}
	f.containers(path+".initContainers", p.InitContainers)
	f.containers(path+".containers", p.Containers)
}

func (f finder) containers(path string, containers []corev1.Container) {
	for i := range containers {
		at := admission.Item(path, i)
		f.addresses(at, &containers[i])
		for j, e := range containers[i].EnvFrom {
			f.envFrom(fmt.Sprintf("%s.envFrom[%d]", at, j), e)
		}
		for j, e := range containers[i].Env {
			if e.ValueFrom != nil {
				f.valueFrom(fmt.Sprintf("%s.env[%d].valueFrom", at, j), e.ValueFrom)
			}
		}
	}
}

func (f finder) envFrom(path string, e corev1.EnvFromSource) {
	if r := e.ConfigMapRef; r != nil {
		f.object(path+".configMapRef.name", KindConfigMap, r.Name, r.Optional)
	}
	if r := e.SecretRef; r != nil {
		f.object(path+".secretRef.name", KindSecret, r.Name, r.Optional)
	}
}

func (f finder) valueFrom(path string, v *corev1.EnvVarSource) {
	if r := v.ConfigMapKeyRef; r != nil {
		path := path + ".configMapKeyRef"
		if o, ok := f.object(path+".name", KindConfigMap, r.Name, r.Optional).(*corev1.ConfigMap); ok {
			f.key(path+".key", r.Key, slices.Concat(slices.Collect(maps.Keys(o.Data)), slices.Collect(maps.Keys(o.BinaryData))), r.Optional)
		}
	}
	if r := v.SecretKeyRef; r != nil {
		path := path + ".secretKeyRef"
		if o, ok := f.object(path+".name", KindSecret, r.Name, r.Optional).(*corev1.Secret); ok {
			f.key(path+".key", r.Key, slices.Collect(maps.Keys(o.Data)), r.Optional)
		}
	}
}

// object returns the object that a reference names, nil if there is none.
func (f finder) object(path, kind, name string, optional *bool) Object {
	if o := f.others.Find(Key{kind, f.namespace, name}); o != nil {
		return o
	}
	if optional == nil || !*optional {
		f.Add(path, "there is no %s %q, and instances will not start without it%s", kind, name,
			suggest.Phrase(name, f.others.Names(kind, f.namespace)))
	}
	return nil
}

func (f finder) key(path, key string, keys []string, optional *bool) {
	if slices.Contains(keys, key) || optional != nil && *optional {
		return
	}
	slices.Sort(keys)
	f.Add(path, "it has no key %q, and instances will not start without it%s", key, suggest.Phrase(key, keys))
}
