package resource_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/monitoring"
)

func TestAnObjectIsSummedUpInAFewWords(t *testing.T) {
	three := int32(3)
	for want, o := range map[string]resource.Object{
		"2/3 ready":     &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &three}, Status: appsv1.DeploymentStatus{ReadyReplicas: 2}},
		"80/TCP,53/UDP": &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}, {Port: 53, Protocol: corev1.ProtocolUDP}}}},
		"<none>":        &corev1.Service{},
		"1 key":         &corev1.ConfigMap{Data: map[string]string{"a": "b"}},
		"2 keys":        &corev1.Secret{Data: map[string][]byte{"a": nil, "b": nil}},
		"active":        &corev1.Namespace{},
		"0 rules":       &monitoring.PrometheusRule{},
		"":              &corev1.ServiceAccount{},
	} {
		if got := resource.Summary(o); got != want {
			t.Errorf("%T: %q, want %q", o, got, want)
		}
	}
}
