package render_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/render"
)

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
