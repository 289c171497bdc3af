package render_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/monitoring"
	"github.com/shopctl/shopctl/pkg/resource/render"
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
		if got := render.Summary(o); got != want {
			t.Errorf("%T: %q, want %q", o, got, want)
		}
	}
}

func TestASecretIsShownWithoutItsValues(t *testing.T) {
	s := &corev1.Secret{Data: map[string][]byte{"password": []byte("hunter2")}}
	s.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: `{"data":{"password":"aHVudGVyMg=="}}`}
	text, err := render.ToYAML(render.Masked(s))
	if err != nil || strings.Contains(string(text), "aHVudGVyMg==") || !strings.Contains(string(text), "password: '*** (7 bytes)'") {
		t.Errorf("%v:\n%s", err, text)
	}
	m := &corev1.ConfigMap{}
	if render.Masked(m) != resource.Object(m) {
		t.Error("another object is not the same")
	}
}
