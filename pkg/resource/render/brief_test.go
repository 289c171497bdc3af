package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/render"
)

// A manifest as one would write it, with what could be taken for a default: values that are empty or equal one.
const written = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      volumes:
        - name: scratch
          emptyDir: {}
      containers:
        - name: server
          image: web:v1
          ports:
            - containerPort: 80
          env:
            - name: "ON"
              value: "on"
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
          resources:
            limits:
              memory: 64Mi
          livenessProbe:
            httpGet:
              path: /healthz
              port: 80
            periodSeconds: 5
          imagePullPolicy: Always
  strategy:
    rollingUpdate:
      maxSurge: 0
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
    - port: 80
      targetPort: 80
  selector:
    app: web
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  EMPTY: ""
`

func TestTheBriefFormOfAnObjectIsWhatOneWouldWrite(t *testing.T) {
	manifests, err := decode.Decode("web.yaml", []byte(written))
	if err != nil {
		t.Fatal(err)
	}
	var brief []resource.Object
	for _, m := range manifests {
		k, err := resource.KindOf(m.Object)
		if err != nil {
			t.Fatal(err)
		}
		k.Default(m.Object)
		before := resource.Clone(m.Object)
		b, err := render.Brief(m.Object)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, m.Object); diff != "" {
			t.Errorf("%s was changed: %s", m.Object.GetName(), diff)
		}
		brief = append(brief, b)
	}
	text, err := render.ToYAML(brief...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(written, string(text)); diff != "" {
		t.Error(diff)
	}
}
