package pane

import (
	"strings"
	"testing"
)

func TestAFieldIsFoundInAManifest(t *testing.T) {
	lines := strings.Split(`kind: Deployment
metadata:
  labels:
    app.kubernetes.io/name: cart
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: server
          image: x
          ports:
            - containerPort: 80`, "\n")
	for path, want := range map[string]int{
		"spec.replicas": 5, "spec.template.spec.containers[0].image": 10, "spec.template.spec.containers[name=server].ports[0].containerPort": 12,
		`metadata.labels["app.kubernetes.io/name"]`: 3, "spec.paused": 4, "none": -1, "": -1, "spec..replicas": 5, "spec[": 4,
	} {
		if got := fieldLine(lines, path); got != want {
			t.Errorf("%s is found in line %d, want %d (parts %q)", path, got, want, pathParts(path))
		}
	}
}
