package podspec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// variables are environment variables in the order of their definition.
type variables struct {
	names  []string
	values map[string]string
	// literal are those whose value is part of the template.
	literal map[string]bool
}

func (v *variables) set(name, value string) {
	if v.values == nil {
		v.values = map[string]string{}
	}
	if _, ok := v.values[name]; !ok {
		v.names = append(v.names, name)
	}
	v.values[name] = value
	delete(v.literal, name)
}

// setLiteral sets a value that is part of the template.
func (v *variables) setLiteral(name, value string) {
	v.set(name, value)
	if v.literal == nil {
		v.literal = map[string]bool{}
	}
	v.literal[name] = true
}

// env resolves a container's environment: sources first, then single variables, each of which may
// use those before it. A source that is missing is an error, and the rest is still resolved. PORT
// is the driver's to choose, for several pods may share one machine.
func (r *Resolver) env(pod scope, c *corev1.Container) (*variables, error) {
	vars := &variables{}
	vars.set("PORT", portMark)
	var first error
	for _, from := range c.EnvFrom {
		if err := r.envFrom(vars, pod.namespace, from); err != nil && first == nil {
			first = err
		}
	}
	for _, e := range c.Env {
		value, found, err := r.envValue(pod, c, vars, e)
		switch {
		case err != nil && first == nil:
			first = fmt.Errorf("env %s: %w", e.Name, err)
		case err != nil || !found || e.Name == "PORT":
		case e.ValueFrom == nil && !strings.Contains(e.Value, "$("):
			vars.setLiteral(e.Name, value)
		default:
			vars.set(e.Name, value)
		}
	}
	return vars, first
}

func (r *Resolver) envFrom(vars *variables, namespace string, from corev1.EnvFromSource) error {
	var data map[string]string
	switch {
	case from.ConfigMapRef != nil:
		cm, err := r.configMap(namespace, from.ConfigMapRef.Name, from.ConfigMapRef.Optional)
		if err != nil {
			return err
		}
		if cm != nil {
			data = cm.Data
		}
	case from.SecretRef != nil:
		secret, err := r.secret(namespace, from.SecretRef.Name, from.SecretRef.Optional)
		if err != nil {
			return err
		}
		if secret != nil {
			data = secretStrings(secret)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(data)) {
		if name := from.Prefix + key; !strings.ContainsAny(name, "=\x00") {
			vars.set(name, data[key])
		}
	}
	return nil
}

func (r *Resolver) envValue(pod scope, c *corev1.Container, vars *variables, e corev1.EnvVar) (value string, found bool, err error) {
	from := e.ValueFrom
	switch {
	case from == nil:
		return Expand(e.Value, vars.values), true, nil
	case from.ConfigMapKeyRef != nil:
		return r.configMapKey(pod.namespace, from.ConfigMapKeyRef)
	case from.SecretKeyRef != nil:
		return r.secretKey(pod.namespace, from.SecretKeyRef)
	case from.FieldRef != nil:
		value, err = pod.field(from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.ResourceFieldRef != nil:
		value, err = resourceField(c, from.ResourceFieldRef)
		return value, err == nil, err
	}
	return "", false, fmt.Errorf("its source is not supported")
}

func (r *Resolver) configMapKey(namespace string, ref *corev1.ConfigMapKeySelector) (string, bool, error) {
	cm, err := r.configMap(namespace, ref.Name, ref.Optional)
	if cm == nil {
		return "", false, err
	}
	value, ok := cm.Data[ref.Key]
	if !ok && !isTrue(ref.Optional) {
		return "", false, fmt.Errorf("configmap %q has no key %q", ref.Name, ref.Key)
	}
	return value, ok, nil
}

func (r *Resolver) secretKey(namespace string, ref *corev1.SecretKeySelector) (string, bool, error) {
	secret, err := r.secret(namespace, ref.Name, ref.Optional)
	if secret == nil {
		return "", false, err
	}
	value, ok := secretStrings(secret)[ref.Key]
	if !ok && !isTrue(ref.Optional) {
		return "", false, fmt.Errorf("secret %q has no key %q", ref.Name, ref.Key)
	}
	return value, ok, nil
}

func (r *Resolver) configMap(namespace, name string, optional *bool) (*corev1.ConfigMap, error) {
	if cm, ok := r.ConfigMaps[orchestrator.Key{Namespace: namespace, Name: name}]; ok {
		return cm, nil
	}
	if isTrue(optional) {
		return nil, nil
	}
	return nil, fmt.Errorf("configmap %q not found", name)
}

func (r *Resolver) secret(namespace, name string, optional *bool) (*corev1.Secret, error) {
	if s, ok := r.Secrets[orchestrator.Key{Namespace: namespace, Name: name}]; ok {
		return s, nil
	}
	if isTrue(optional) {
		return nil, nil
	}
	return nil, fmt.Errorf("secret %q not found", name)
}

func secretStrings(s *corev1.Secret) map[string]string {
	data := make(map[string]string, len(s.Data)+len(s.StringData))
	for k, v := range s.Data {
		data[k] = string(v)
	}
	maps.Copy(data, s.StringData)
	return data
}

func isTrue(b *bool) bool { return b != nil && *b }

// Expand replaces $(NAME) by the value of a variable, as Kubernetes does: an unknown name stays as it
// is, and $$ is a dollar sign.
func Expand(text string, values map[string]string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		switch text[i+1] {
		case '$':
			out.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(text[i:], ')')
			if end < 0 {
				out.WriteByte('$')
				continue
			}
			if value, ok := values[text[i+2:i+end]]; ok {
				out.WriteString(value)
			} else {
				out.WriteString(text[i : i+end+1])
			}
			i += end
		default:
			out.WriteByte('$')
		}
	}
	return out.String()
}

// scope holds the fields of a pod template that its containers can refer to.
type scope struct {
	namespace      string
	serviceAccount string
	labels         map[string]string
	annotations    map[string]string
}

// field resolves a downward API path.
func (p scope) field(path string) (string, error) {
	switch path {
	case "metadata.name", "metadata.uid":
		return nameMark, nil
	case "metadata.namespace":
		return p.namespace, nil
	case "spec.serviceAccountName":
		return cmp.Or(p.serviceAccount, "default"), nil
	case "spec.nodeName":
		return nodeMark, nil
	case "status.podIP", "status.podIPs":
		return podIPMark, nil
	case "status.hostIP", "status.hostIPs":
		return nodeIPMark, nil
	case "metadata.labels":
		return quoteMap(p.labels), nil
	case "metadata.annotations":
		return quoteMap(p.annotations), nil
	}
	for prefix, m := range map[string]map[string]string{"metadata.labels['": p.labels, "metadata.annotations['": p.annotations} {
		if key, ok := strings.CutPrefix(path, prefix); ok && strings.HasSuffix(key, "']") {
			return m[strings.TrimSuffix(key, "']")], nil
		}
	}
	return "", fmt.Errorf("field %q is not supported", path)
}

func quoteMap(m map[string]string) string {
	lines := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, k+"="+strconv.Quote(m[k]))
	}
	return strings.Join(lines, "\n")
}

// resourceField resolves a container's own request or limit, in units of the divisor, rounded up.
func resourceField(c *corev1.Container, ref *corev1.ResourceFieldSelector) (string, error) {
	kind, name, _ := strings.Cut(ref.Resource, ".")
	list := map[string]corev1.ResourceList{"limits": c.Resources.Limits, "requests": c.Resources.Requests}[kind]
	q, ok := list[corev1.ResourceName(name)]
	if !ok && kind == "requests" { // a pod requests what its limit is, unless it says otherwise
		q, ok = c.Resources.Limits[corev1.ResourceName(name)]
	}
	if !ok {
		return "", fmt.Errorf("resource %q is not set", ref.Resource)
	}
	divisor := ref.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	if name == "cpu" {
		return strconv.FormatInt(ceilDiv(q.MilliValue(), divisor.MilliValue()), 10), nil
	}
	return strconv.FormatInt(ceilDiv(q.Value(), divisor.Value()), 10), nil
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
