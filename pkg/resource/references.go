package resource

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// defaultServiceAccount is there in every namespace without anybody making it.
const defaultServiceAccount = "default"

// warnings are about the objects that were put, alone and as they stand among the others.
func (tx *transaction) warnings() Problems {
	var problems Problems
	for _, key := range tx.touched {
		e := tx.next.objects[key]
		if e == nil {
			continue
		}
		issues := admission.Warnings(e.object)
		switch o := e.object.(type) {
		case *corev1.Service:
			issues = append(issues, tx.next.serviceWarnings(o)...)
		case *appsv1.Deployment:
			issues = append(issues, tx.next.deploymentWarnings(o)...)
		}
		problems = append(problems, tx.manifests[key].problems(issues)...)
	}
	return problems
}

func (st *state) serviceWarnings(s *corev1.Service) []admission.Issue {
	if len(s.Spec.Selector) == 0 || s.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	var chosen []*appsv1.Deployment
	for _, d := range All[*appsv1.Deployment](Snapshot{st}, s.Namespace) {
		if labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(d.Spec.Template.Labels)) {
			chosen = append(chosen, d)
		}
	}
	if len(chosen) == 0 {
		return st.noMatch(s)
	}
	var issues []admission.Issue
	for i, p := range s.Spec.Ports {
		if p.TargetPort.Type == intstr.String && !slices.ContainsFunc(chosen, func(d *appsv1.Deployment) bool { return hasPort(d, p.TargetPort.StrVal) }) {
			issues = append(issues, admission.Issue{
				Path:    fmt.Sprintf("spec.ports[%d].targetPort", i),
				Message: fmt.Sprintf("no container of %s has a port named %q", chosen[0].Name, p.TargetPort.StrVal),
			})
		}
	}
	return issues
}

// noMatch says which value of a selector is at fault, and which are near.
func (st *state) noMatch(s *corev1.Service) []admission.Issue {
	var issues []admission.Issue
	for _, name := range slices.Sorted(maps.Keys(s.Spec.Selector)) {
		want := s.Spec.Selector[name]
		var values []string
		for _, d := range All[*appsv1.Deployment](Snapshot{st}, s.Namespace) {
			if v, ok := d.Spec.Template.Labels[name]; ok && !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		if slices.Contains(values, want) {
			continue
		}
		message := fmt.Sprintf("no Deployment has the label %s: %s", name, want)
		if near := suggest.Matches(want, values, 3); len(near) > 0 {
			message += "; nearest is " + strings.Join(near, ", ")
		}
		issues = append(issues, admission.Issue{Path: "spec.selector[" + name + "]", Message: message})
	}
	if len(issues) == 0 {
		issues = append(issues, admission.Issue{
			Path: "spec.selector", Message: "no Deployment has all of these labels: " + labels.FormatLabels(s.Spec.Selector),
		})
	}
	return issues
}

func hasPort(d *appsv1.Deployment, name string) bool {
	for _, c := range d.Spec.Template.Spec.Containers {
		if slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name }) {
			return true
		}
	}
	return false
}

// finder notes which references of one Deployment lead nowhere.
type finder struct {
	state     *state
	namespace string
	issues    []admission.Issue
}

func (st *state) deploymentWarnings(d *appsv1.Deployment) []admission.Issue {
	f := &finder{state: st, namespace: d.Namespace}
	const path = "spec.template.spec"
	p := &d.Spec.Template.Spec
	if name := p.ServiceAccountName; name != "" && name != defaultServiceAccount && st.objects[Key{KindServiceAccount, d.Namespace, name}] == nil {
		f.issues = append(f.issues, admission.Issue{
			Path: path + ".serviceAccountName",
			Message: fmt.Sprintf("there is no ServiceAccount %q; a cluster would start no instance%s", name,
				suggest.Phrase(name, st.names(KindServiceAccount, d.Namespace))),
		})
	}
	for i, v := range p.Volumes {
		at := fmt.Sprintf("%s.volumes[%d]", path, i)
		if v.ConfigMap != nil {
			f.object(at+".configMap.name", KindConfigMap, v.ConfigMap.Name, v.ConfigMap.Optional)
		}
		if v.Secret != nil {
			f.object(at+".secret.secretName", KindSecret, v.Secret.SecretName, v.Secret.Optional)
		}
	}
	for i, c := range p.Containers {
		at := fmt.Sprintf("%s.containers[%d]", path, i)
		for j, e := range c.EnvFrom {
			f.envFrom(fmt.Sprintf("%s.envFrom[%d]", at, j), e)
		}
		for j, e := range c.Env {
			if e.ValueFrom != nil {
				f.valueFrom(fmt.Sprintf("%s.env[%d].valueFrom", at, j), e.ValueFrom)
			}
		}
	}
	return f.issues
}

func (f *finder) envFrom(path string, e corev1.EnvFromSource) {
	if r := e.ConfigMapRef; r != nil {
		f.object(path+".configMapRef.name", KindConfigMap, r.Name, r.Optional)
	}
	if r := e.SecretRef; r != nil {
		f.object(path+".secretRef.name", KindSecret, r.Name, r.Optional)
	}
}

func (f *finder) valueFrom(path string, v *corev1.EnvVarSource) {
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

// object returns what a reference leads to, nil if nothing.
func (f *finder) object(path, kind, name string, optional *bool) Object {
	if e := f.state.objects[Key{kind, f.namespace, name}]; e != nil {
		return e.object
	}
	if optional == nil || !*optional {
		f.issues = append(f.issues, admission.Issue{
			Path: path,
			Message: fmt.Sprintf("there is no %s %q, and instances will not start without it%s", kind, name,
				suggest.Phrase(name, f.state.names(kind, f.namespace))),
		})
	}
	return nil
}

func (f *finder) key(path, key string, keys []string, optional *bool) {
	if slices.Contains(keys, key) || optional != nil && *optional {
		return
	}
	slices.Sort(keys)
	f.issues = append(f.issues, admission.Issue{
		Path:    path,
		Message: fmt.Sprintf("it has no key %q, and instances will not start without it%s", key, suggest.Phrase(key, keys)),
	})
}
