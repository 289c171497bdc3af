package resource

import (
	"errors"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// The labels by which Istio decides which pods have a sidecar, on a Namespace and on a pod template.
const (
	InjectionLabel = "istio-injection"
	InjectLabel    = "sidecar.istio.io/inject"
)

// Gateway is the name of the workload by which requests come into the mesh from outside, of its Service and of its account.
const Gateway = "istio-ingressgateway"

// templatesAnnotation names, on a pod template, what Istio's injector makes of its pods.
const templatesAnnotation = "inject.istio.io/templates"

// IsGateway reports whether the pods of a template are to be made gateways: their container istio-proxy, whose image is
// "auto", is a sidecar without a program.
func IsGateway(template *corev1.PodTemplateSpec) bool {
	return template.Annotations[templatesAnnotation] == "gateway"
}

// Injects reports whether the pods of a template have a sidecar, by the rules of Istio's injector: a namespace that is labeled
// disabled has none, one that is labeled enabled has them in all pods but those that refuse, and any other only in pods
// that ask for one.
func Injects(namespace *corev1.Namespace, template *corev1.PodTemplateSpec) bool {
	pod, labeled := template.Labels[InjectLabel]
	switch {
	case template.Spec.HostNetwork:
		return false
	case namespace != nil && namespace.Labels[InjectionLabel] == "disabled":
		return false
	case namespace != nil && namespace.Labels[InjectionLabel] == "enabled":
		return pod != "false" && (labeled || template.Annotations[InjectLabel] != "false")
	}
	return pod == "true"
}

// SetInjection labels a Namespace, for all its pods, or the pod template of a Deployment.
func SetInjection(o Object, on bool) error {
	switch o := o.(type) {
	case *corev1.Namespace:
		value := "disabled"
		if on {
			value = "enabled"
		}
		o.Labels = withLabel(o.Labels, InjectionLabel, value)
	case *appsv1.Deployment:
		value := "false"
		if on {
			value = "true"
		}
		o.Spec.Template.Labels = withLabel(o.Spec.Template.Labels, InjectLabel, value)
	default:
		return errors.New("it has no pods")
	}
	return nil
}

func withLabel(labels map[string]string, name, value string) map[string]string {
	labels = maps.Clone(labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[name] = value
	return labels
}
