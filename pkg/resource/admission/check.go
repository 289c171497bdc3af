package admission

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/shopctl/shopctl/pkg/resource/monitoring"
	"github.com/shopctl/shopctl/pkg/rule"
)

// maxAnnotations and maxData are the API server's limits, in bytes.
const (
	maxAnnotations = 256 << 10
	maxData        = 1 << 20
)

// issues collects what is wrong.
type issues []Issue

func (c *issues) add(path, format string, args ...any) {
	*c = append(*c, Issue{Path: path, Message: fmt.Sprintf(format, args...)})
}

// rule adds the first complaint of one of Kubernetes' own validators about a value.
func (c *issues) rule(path, value string, complaints []string) {
	if len(complaints) > 0 {
		c.add(path, "%q is not valid: %s", value, withoutRegexp(complaints[0]))
	}
}

// withoutRegexp drops the regular expression, for which the example before it stands well enough.
func withoutRegexp(message string) string {
	before, _, found := strings.Cut(message, ", regex used for validation is")
	if found {
		before += ")"
	}
	return before
}

// Check returns what the API server would refuse in an object that has its defaults.
func Check(o Object) []Issue {
	var c issues
	c.metadata(o)
	switch o := o.(type) {
	case *appsv1.Deployment:
		c.deployment(&o.Spec)
	case *corev1.Service:
		c.service(&o.Spec)
	case *corev1.ConfigMap:
		c.configMap(o)
	case *corev1.Secret:
		c.secret(o)
	case *monitoring.PrometheusRule:
		for _, issue := range rule.Check(o.Spec) {
			c.add("spec."+issue.Path, "%s", issue.Message)
		}
	}
	return c
}

func (c *issues) metadata(o Object) {
	const namePath = "metadata.name"
	_, isNamespace := o.(*corev1.Namespace)
	_, isService := o.(*corev1.Service)
	switch name := o.GetName(); {
	case name == "" && o.GetGenerateName() != "":
		c.add("metadata.generateName", "names are not generated here; write metadata.name")
	case name == "":
		c.add(namePath, "is missing")
	case isNamespace || isService:
		c.rule(namePath, name, validation.IsDNS1123Label(name))
	default:
		c.rule(namePath, name, validation.IsDNS1123Subdomain(name))
	}
	if ns := o.GetNamespace(); ns != "" {
		if isNamespace {
			c.add("metadata.namespace", "a Namespace is in no namespace")
		} else {
			c.rule("metadata.namespace", ns, validation.IsDNS1123Label(ns))
		}
	}
	c.labels("metadata.labels", o.GetLabels())
	c.annotations("metadata.annotations", o.GetAnnotations())
}

func (c *issues) labels(path string, labels map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		at := path + "[" + k + "]"
		c.rule(at, k, validation.IsQualifiedName(k))
		c.rule(at, labels[k], validation.IsValidLabelValue(labels[k]))
	}
}

func (c *issues) annotations(path string, annotations map[string]string) {
	size := 0
	for _, k := range slices.Sorted(maps.Keys(annotations)) {
		c.rule(path+"["+k+"]", k, validation.IsQualifiedName(strings.ToLower(k)))
		if k != corev1.LastAppliedConfigAnnotation { // it would halve what an applied object can hold
			size += len(k) + len(annotations[k])
		}
	}
	if size > maxAnnotations {
		c.add(path, "%d bytes are too many; all annotations together may have %d", size, maxAnnotations)
	}
}

func (c *issues) configMap(o *corev1.ConfigMap) {
	size := 0
	for _, k := range slices.Sorted(maps.Keys(o.Data)) {
		c.rule("data["+k+"]", k, validation.IsConfigMapKey(k))
		size += len(o.Data[k])
		if _, twice := o.BinaryData[k]; twice {
			c.add("binaryData["+k+"]", "stands in data already")
		}
	}
	for _, k := range slices.Sorted(maps.Keys(o.BinaryData)) {
		c.rule("binaryData["+k+"]", k, validation.IsConfigMapKey(k))
		size += len(o.BinaryData[k])
	}
	if size > maxData {
		c.add("data", "%d bytes are too many; a ConfigMap may hold %d", size, maxData)
	}
}

func (c *issues) secret(o *corev1.Secret) {
	size := 0
	for _, k := range slices.Sorted(maps.Keys(o.Data)) {
		c.rule("data["+k+"]", k, validation.IsConfigMapKey(k))
		size += len(o.Data[k])
	}
	if size > maxData {
		c.add("data", "%d bytes are too many; a Secret may hold %d", size, maxData)
	}
	required := map[corev1.SecretType][]string{
		corev1.SecretTypeTLS:              {corev1.TLSCertKey, corev1.TLSPrivateKeyKey},
		corev1.SecretTypeDockerConfigJson: {corev1.DockerConfigJsonKey},
		corev1.SecretTypeSSHAuth:          {corev1.SSHAuthPrivateKey},
	}
	for _, k := range required[o.Type] {
		if _, ok := o.Data[k]; !ok {
			c.add("data["+k+"]", "a Secret of type %s needs the key %s", o.Type, k)
		}
	}
}

func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// atLeast complains about a number that is too small.
func (c *issues) atLeast(path string, value, least int64) {
	if value < least {
		c.add(path, "%d is too small; it must be at least %d", value, least)
	}
}

func (c *issues) port(path string, port int32) {
	if port < 1 || port > 65535 {
		c.add(path, "%d is no port; ports are 1 to 65535", port)
	}
}
