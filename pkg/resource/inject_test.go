package resource_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/resource"
)

func TestWhichPodsJoinFollowsTheRulesOfIstiosInjector(t *testing.T) {
	for _, tc := range []struct {
		namespace, label, annotation string
		want                         bool
	}{
		{"", "", "", false},
		{"", "true", "", true},
		{"", "", "true", false},
		{"enabled", "", "", true},
		{"enabled", "false", "", false},
		{"enabled", "", "false", false},
		{"enabled", "true", "false", true},
		{"disabled", "true", "", false},
		{"something", "", "", false},
	} {
		namespace := &corev1.Namespace{}
		template := &corev1.PodTemplateSpec{}
		if tc.namespace != "" {
			namespace.Labels = map[string]string{resource.InjectionLabel: tc.namespace}
		}
		if tc.label != "" {
			template.Labels = map[string]string{resource.InjectLabel: tc.label}
		}
		if tc.annotation != "" {
			template.Annotations = map[string]string{resource.InjectLabel: tc.annotation}
		}
		if got := resource.Injects(namespace, template); got != tc.want {
			t.Errorf("%+v: joins is %v", tc, got)
		}
	}
	if resource.Injects(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{resource.InjectionLabel: "enabled"}}}, &corev1.PodTemplateSpec{Spec: corev1.PodSpec{HostNetwork: true}}) {
		t.Error("a pod of the host's network has a sidecar")
	}
}
