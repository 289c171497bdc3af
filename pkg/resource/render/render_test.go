package render_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/render"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

func stored(t *testing.T, file string) []resource.Object {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../../testdata/yaml", file))
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := decode.Decode(file, content)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Config{
		Now:    func() time.Time { return time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC) },
		NewUID: func() types.UID { return "uid" },
	})
	if err != nil {
		t.Fatal(err)
	}
	result, err := s.Apply(t.Context(), manifests, "", false)
	if err != nil {
		t.Fatal(err)
	}
	var objects []resource.Object
	for _, c := range result.Changes {
		objects = append(objects, c.After)
	}
	return objects
}

func TestYAMLReadsLikeAManifest(t *testing.T) {
	objects := stored(t, "config.yaml")
	got, err := render.ToYAML(objects...)
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: v1
kind: ConfigMap
metadata:
  name: app-config
  namespace: production
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"v1","data":{"FEATURE_FLAG_NEW_UI":"true","LOG_LEVEL":"info","MAX_CONNECTIONS":"100"},"kind":"ConfigMap","metadata":{"name":"app-config","namespace":"production"}}'
  uid: uid
  resourceVersion: "2"
  creationTimestamp: "2024-05-06T07:08:09Z"
data:
  FEATURE_FLAG_NEW_UI: "true"
  LOG_LEVEL: info
  MAX_CONNECTIONS: "100"
---
apiVersion: v1
kind: Secret
metadata:
  name: app-secrets
  namespace: production
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"app-secrets","namespace":"production"},"stringData":{"API_KEY":"demo-api-key","DB_PASSWORD":"super-secret-password"},"type":"Opaque"}'
  uid: uid
  resourceVersion: "2"
  creationTimestamp: "2024-05-06T07:08:09Z"
data:
  API_KEY: ZGVtby1hcGkta2V5
  DB_PASSWORD: c3VwZXItc2VjcmV0LXBhc3N3b3Jk
type: Opaque
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestCleanYAMLHasNothingThatOnlyTheStoreSets(t *testing.T) {
	service := stored(t, "blue-green.yaml")[2]
	before := resource.Clone(service)
	got, err := render.ToYAML(render.Clean(service))
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: v1
kind: Service
metadata:
  name: myapp
  namespace: production
spec:
  ports:
    - protocol: TCP
      port: 80
      targetPort: 8080
  selector:
    app: myapp
    version: blue
  type: ClusterIP
  sessionAffinity: None
  internalTrafficPolicy: Cluster
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, service); diff != "" {
		t.Errorf("the object itself was changed: %s", diff)
	}
}

func TestJSONHasTheSameOrder(t *testing.T) {
	kind, err := resource.LookupKind(resource.KindConfigMap)
	if err != nil {
		t.Fatal(err)
	}
	d := kind.New().(*corev1.ConfigMap)
	d.Name, d.Data = "a", map[string]string{"k": "<&>\n"}
	got, err := render.ToJSON(d)
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"ConfigMap\",\n  \"metadata\": {\n    \"name\": \"a\"\n  },\n  \"data\": {\n    \"k\": \"<&>\\n\"\n  }\n}\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestADifferenceIsUnified(t *testing.T) {
	before := stored(t, "config.yaml")[0].(*corev1.ConfigMap)
	after := before.DeepCopy()
	after.Data["LOG_LEVEL"] = "debug"
	after.ResourceVersion = "9"
	got, err := render.Diff(before, after)
	if err != nil {
		t.Fatal(err)
	}
	want := `--- live/configmap/app-config
+++ new/configmap/app-config
@@ -5,5 +5,5 @@
   namespace: production
 data:
   FEATURE_FLAG_NEW_UI: "true"
-  LOG_LEVEL: info
+  LOG_LEVEL: debug
   MAX_CONNECTIONS: "100"
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := render.Diff(before, before); got != "" || err != nil {
		t.Errorf("%q, error %v", got, err)
	}
	for _, pair := range [][2]resource.Object{{nil, before}, {before, nil}} {
		if got, err := render.Diff(pair[0], pair[1]); !strings.Contains(got, "configmap/app-config") || err != nil {
			t.Errorf("%q, error %v", got, err)
		}
	}
}

func TestADifferenceShowsNoSecrets(t *testing.T) {
	before := stored(t, "config.yaml")[1].(*corev1.Secret)
	after := before.DeepCopy()
	after.Data["API_KEY"] = []byte("demo-api-kez")
	got, err := render.Diff(before, after)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got, "demo") || strings.Contains(got, "ZGVtby") || !strings.Contains(got, "-  API_KEY: '*** (12 bytes)'\n+  API_KEY: '*** (12 bytes) (after)'") {
		t.Error(got)
	}
}

// nasty are strings that YAML takes for something else, or has trouble with.
var nasty = []string{
	"", "y", "no", "ON", "true", "null", "~", "12", "0x1f", "1e3", "1_000", ".inf", "2020-01-01", "<<", "=", "- a", "a: b", "a:", "# c", "a #b", "'", `"`, `\`, "%d",
	"@", "`", "{a}", "[b]", "|", ">", "&a", "*a", "!t", "?", "-", "---", "...", " a", "a ", "\t", "a\tb", "a\nb", "a\nb\n", "a\n\n", "\na", " a\nb", "a \nb", "\n", "a\r\nb",
	"\u0085", "\u00a0", "\u2028", "\ufeff", "\x00", "\x1b[0m", "é", "\U0001f6d2", "a\n\tb", "a\n  b\nc", "#\n", "- a\n- b\n", strings.Repeat("word ", 60), strings.Repeat("x", 2000),
}

func text(r *rand.Rand) string {
	s := ""
	for range r.IntN(3) + 1 {
		s += nasty[r.IntN(len(nasty))]
	}
	return s
}

func random(r *rand.Rand) resource.Object {
	meta := metav1.ObjectMeta{Name: "a", Namespace: "production", Annotations: map[string]string{"note": text(r)}, Labels: map[string]string{"on": "y", "1": "2"}}
	switch r.IntN(4) {
	case 0:
		return &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: meta, Data: map[string]string{"no": text(r), "1": text(r)}}
	case 1:
		return &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: meta, Data: map[string][]byte{"k": []byte(text(r))}}
	case 2:
		return &corev1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: meta, Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "1"},
			Ports:    []corev1.ServicePort{{Port: r.Int32N(65535) + 1, TargetPort: []intstr.IntOrString{intstr.FromInt32(80), intstr.FromString("y")}[r.IntN(2)]}},
		}}
	}
	replicas := r.Int32N(9)
	return &appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
		Replicas: &replicas,
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "true"}},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "true"}},
			Spec: corev1.PodSpec{
				Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
				Containers: []corev1.Container{{
					Name: "no", Image: "1.0", Args: []string{text(r), text(r)}, Env: []corev1.EnvVar{{Name: "Y", Value: text(r)}},
					Resources:     corev1.ResourceRequirements{Limits: corev1.ResourceList{"cpu": quantity.MustParse("0.5"), "memory": quantity.MustParse("1e3")}},
					LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 1, Service: new(string)}}},
				}},
			},
		},
	}}
}

func TestWhatIsWrittenIsReadBackTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		o := random(r)
		want, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		asYAML, err := render.ToYAML(o, o)
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := render.ToJSON(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, written := range [][]byte{asYAML, asJSON} {
			manifests, err := decode.Decode("f", written)
			if err != nil || len(manifests) == 0 {
				t.Fatalf("%v in\n%s", err, written)
			}
			got, err := json.Marshal(manifests[len(manifests)-1].Object)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Fatalf("%s\n%s", cmp.Diff(string(want), string(got)), written)
			}
		}
	}
}

func TestAListReadsAsTheObjectsInIt(t *testing.T) {
	objects := stored(t, "config.yaml")
	text, err := render.ToYAMLList(objects...)
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := decode.Decode("list.yaml", text)
	if err != nil || len(manifests) != len(objects) {
		t.Fatalf("%d of %d objects, %v:\n%s", len(manifests), len(objects), err, text)
	}
	for i, m := range manifests {
		if diff := cmp.Diff(objects[i], m.Object); diff != "" {
			t.Error(diff)
		}
	}
	if text, err := render.ToYAMLList(); err != nil || string(text) != "apiVersion: v1\nitems: []\nkind: List\n" {
		t.Errorf("an empty list: %q, %v", text, err)
	}
}
