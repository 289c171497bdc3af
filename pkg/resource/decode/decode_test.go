package decode

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/resource"
)

func TestRealManifestsAreRead(t *testing.T) {
	for file, want := range map[string][]string{
		"productcatalog-deployment.yaml": {"deployment/productcatalogservice", "service/productcatalogservice"},
		"config.yaml":                    {"configmap/app-config", "secret/app-secrets"},
		"blue-green.yaml":                {"deployment/app-blue", "deployment/app-green", "service/myapp"},
	} {
		content, err := os.ReadFile(filepath.Join("../../../testdata/yaml", file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, keys(t, string(content))); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func keys(t *testing.T, content string) []string {
	t.Helper()
	manifests, err := Decode("f.yaml", []byte(content))
	if err != nil {
		t.Fatalf("%q: %v", content, err)
	}
	var keys []string
	for _, m := range manifests {
		keys = append(keys, resource.KeyOf(m.Object).String())
	}
	return keys
}

// deployment is a valid manifest; in the tests parts of it are replaced by wrong ones.
const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels:
    tier: web
spec:
  replicas: 2
  selector:
    matchLabels:
      app: shop
  template:
    metadata:
      labels:
        app: shop
    spec:
      containers:
      - name: server
        image: shop:v1
        imagePullPolicy: Always
        ports:
        - containerPort: 8080
        env:
        - name: LEVEL
          value: "3"
        resources:
          limits:
            cpu: 100m
`

func TestWhatIsWrongIsFoundAtItsPlaceWithAWordOnWhatWasMeant(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"unknown field", "replicas: 2", "replica: 2", `8:3: spec.replica: unknown field "replica"; did you mean "replicas"?`},
		{"unknown deep field", "containerPort", "containerport", `22:11: spec.template.spec.containers[0].ports[0].containerport: unknown field "containerport"; did you mean "containerPort"?`},
		{"duplicate key", "replicas: 2", "replicas: 2\n  replicas: 3", `9:3: spec.replicas: duplicate key "replicas", first in line 8`},
		{"string for number", "replicas: 2", `replicas: "2"`, `8:13: spec.replicas: expected a whole number, got the string "2"; remove the quotes`},
		{"word for number", "replicas: 2", "replicas: two", `8:13: spec.replicas: expected a whole number, got the string "two"`},
		{"fraction", "replicas: 2", "replicas: 2.5", `8:13: spec.replicas: expected a whole number, got the number 2.5`},
		{"too large", "replicas: 2", "replicas: 4294967296", `8:13: spec.replicas: 4294967296 is out of range for a 32-bit number`},
		{"number for string", `value: "3"`, `value: 3`, `25:18: spec.template.spec.containers[0].env[0].value: expected a string, got the number 3; write "3"`},
		{"boolean for string", `value: "3"`, `value: true`, `25:18: spec.template.spec.containers[0].env[0].value: expected a string, got the boolean true; write "true"`},
		{"YAML 1.1 boolean", "tier: web", "tier: y", `6:11: metadata.labels[tier]: expected a string, got the boolean y (in YAML 1.1, which Kubernetes reads); write "y"`},
		{"YAML 1.1 boolean as key", "tier: web", "on: web", `6:5: metadata.labels[on]: expected a string as key, got the boolean on (in YAML 1.1, which Kubernetes reads); write "on"`},
		{"version that is a number", "tier: web", "version: 1.10", `6:14: metadata.labels[version]: expected a string, got the number 1.10; write "1.10"`},
		{"mapping for list", "ports:\n        - containerPort: 8080", "ports:\n          containerPort: 8080", `22:11: spec.template.spec.containers[0].ports: expected a list, got a mapping`},
		{"list for mapping", "    matchLabels:\n      app: shop", "  - a", `10:3: spec.selector: expected a mapping, got a list`},
		{"scalar for mapping", "metadata:\n  name: shop\n  labels:\n    tier: web", "metadata: shop", `3:11: metadata: expected a mapping, got the string "shop"`},
		{"bad word", "Always", "always", `20:26: spec.template.spec.containers[0].imagePullPolicy: "always" is not one of Always, IfNotPresent, Never; did you mean "Always"?`},
		{"bad quantity", "100m", "100mm", `28:18: spec.template.spec.containers[0].resources.limits[cpu]: "100mm" is not a quantity such as 100m, 0.5 or 128Mi`},
		{"bad port", "8080", "80800", `22:26: spec.template.spec.containers[0].ports[0].containerPort: 80800 is not a port; ports are 1 to 65535`},
		{"bad name", "name: shop", "name: Shop_1", `4:9: metadata.name: "Shop_1" is not valid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com')`},
		{"bad label", "tier: web", "tier: a b", `6:11: metadata.labels[tier]: "a b" is not valid: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345')`},
		{"missing name", "  name: shop\n", "", `3:1: metadata.name: is missing`},
		{"missing image", "        image: shop:v1\n", "", `18:9: spec.template.spec.containers[0].image: is missing`},
		{"empty element", "- name: LEVEL\n          value: \"3\"", "-", `24:10: spec.template.spec.containers[0].env[0]: an element of a list cannot be empty`},
		{"tag", "tier: web", "tier: !secret web", `6:11: metadata.labels[tier]: expected a string, got a value with the tag !secret`},
		{"field with an escape", "replicas: 2", `"\e[2Jreplicas": 2`, `8:3: spec["\x1b[2Jreplicas"]: unknown field "\x1b[2Jreplicas"; did you mean "replicas"?`},
		{"label with a line feed", "tier: web", `"a\nb": 1`, `6:13: metadata.labels["a\nb"]: expected a string, got the number 1; write "1"`},
		{"tag with an escape", "tier: web", "tier: !a%1b web", `6:11: metadata.labels[tier]: expected a string, got a value with the tag "!a\x1b"`},
		{"wrong group", "apps/v1", "apps/v1beta1", `1:13: Deployment has apiVersion apps/v1, not apps/v1beta1`},
		{"mistyped kind", "kind: Deployment", "kind: Deploymnet", `2:7: kind "Deploymnet" of apiVersion "apps/v1" is not supported; did you mean "Deployment"?; supported are Deployment (apps/v1), PrometheusRule (monitoring.coreos.com/v1), DestinationRule, VirtualService, Gateway (networking.istio.io/v1), PeerAuthentication, RequestAuthentication, AuthorizationPolicy (security.istio.io/v1) and Namespace, ServiceAccount, Secret, ConfigMap, PersistentVolumeClaim, Service (v1)`},
		{"no kind", "kind: Deployment\n", "", `1:1: kind is missing`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			content := strings.Replace(deployment, tc.old, tc.new, 1)
			if content == deployment {
				t.Fatal("nothing was replaced")
			}
			_, err := Decode("f.yaml", []byte(content))
			if err == nil || err.Error() != "f.yaml:"+strings.ReplaceAll(tc.want, "\n", "") {
				t.Errorf("\n got %v\nwant f.yaml:%s", err, tc.want)
			}
		})
	}
}

func TestAllProblemsOfAFileAreReportedInItsOrder(t *testing.T) {
	content := strings.Replace(deployment, "replicas: 2", "replicas: two\n  selectr: {}", 1) + `---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  ports: [{port: 0}]
---
apiVersion: v1
kind: Pod
---
- 1
`
	_, err := Decode("f.yaml", []byte(content))
	want := []string{
		`f.yaml:8:13: spec.replicas: expected a whole number, got the string "two"`,
		`f.yaml:9:3: spec.selectr: unknown field "selectr"; did you mean "selector"?`,
		`f.yaml:35:18: spec.ports[0].port: 0 is not a port; ports are 1 to 65535`,
		`f.yaml:38:7: kind "Pod" of apiVersion "v1" is not supported: write a Deployment with one replica; its instances are shown by shopctl ps --instances`,
		`f.yaml:40:1: expected an object with apiVersion and kind, got a list`,
	}
	if diff := cmp.Diff(want, strings.Split(fmt.Sprint(err), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestEveryFormOfAFileGivesTheSameObjects(t *testing.T) {
	const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n"
	utf16 := []byte{0xff, 0xfe}
	for _, b := range []byte(configMap) {
		utf16 = append(utf16, b, 0)
	}
	for name, content := range map[string]string{
		"plain":             configMap,
		"byte order mark":   "\ufeff" + configMap,
		"CRLF":              strings.ReplaceAll(configMap, "\n", "\r\n"),
		"UTF-16":            string(utf16),
		"empty documents":   "---\n---\n# nothing\n---\n" + configMap + "---\n---\n",
		"no newline at end": strings.TrimSuffix(configMap, "\n"),
		"end marker":        configMap + "...\n",
		"directive":         "%YAML 1.1\n---\n" + configMap,
		"JSON":              `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}`,
		"indented JSON":     "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"ConfigMap\",\n\t\"metadata\": {\"name\": \"a\"},\n\t\"data\": {\"k\": \"v\"}\n}\n",
		"list":              "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: \"\"}\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(configMap), "\n", "\n  ") + "\n",
		"typed list":        "apiVersion: v1\nkind: ConfigMapList\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(configMap), "\n", "\n  ") + "\n",
		"anchors":           "apiVersion: v1\nkind: ConfigMap\nmetadata: &m {name: a}\ndata: {k: &v v}\n---\napiVersion: v1\nkind: List\nitems: []\n",
		"merge key":         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  <<: {k: hidden}\n  k: v\n",
		"second mark":       "# nothing\n--- # next\n\ufeffapiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n",
		"merge key last":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  k: hidden\n  <<: {k: v}\n",
		"several merged":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  <<: [{k: v}, {k: hidden}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			manifests, err := Decode("f", []byte(content))
			if err != nil || len(manifests) != 1 {
				t.Fatalf("%d manifests, error %v", len(manifests), err)
			}
			o, ok := manifests[0].Object.(*corev1.ConfigMap)
			if !ok || o.Name != "a" || o.Data["k"] != "v" || len(o.Data) != 1 {
				t.Errorf("%+v", manifests[0].Object)
			}
		})
	}
}

func TestAFileWithoutObjectsIsEmptyAndNoError(t *testing.T) {
	for _, content := range []string{"", "\n", "# only this\n", "---\n", "---\n---\n", "\ufeff", "null\n", "apiVersion: v1\nkind: List\nitems: []\n"} {
		if manifests, err := Decode("f", []byte(content)); err != nil || len(manifests) != 0 {
			t.Errorf("%q: %d manifests, error %v", content, len(manifests), err)
		}
	}
}

func TestBrokenYAMLIsReportedWithItsPlace(t *testing.T) {
	for _, tc := range []struct{ content, want string }{
		{"a: b\n\tc: d\n", "f:2:1: not valid YAML: indentation with a tab; YAML requires spaces"},
		{"a: [1, 2\nb: c\n", "f:1:1: not valid YAML: did not find expected ',' or ']'"},
		{"a: 1\nb: \"never closed\nc: d\n", "f:2:1: not valid YAML: found unexpected end of stream"},
		{"a: 1\nb: c: d\n", "f:2:1: not valid YAML: mapping values are not allowed in this context"},
		{"a: 1\nb: *nobody\n", "f:2:1: not valid YAML: unknown anchor 'nobody' referenced"},
		{"a: [\n 1,\n 2\n]\nb: }\n", "f:5:1: not valid YAML: did not find expected node content"},
		{"a: \x00\n", "f:1:4: control character U+0000 is not allowed"},
		{"é: \x1b\n", "f:1:4: control character U+001B is not allowed"},
		{"a: b\nc: \xff\n", "f:2:4: byte 0xff is not valid UTF-8"},
		{"just text", `f:1:1: expected an object with apiVersion and kind, got the string "just text"`},
	} {
		if _, err := Decode("f", []byte(tc.content)); err == nil || err.Error() != tc.want {
			t.Errorf("%q:\n got %v\nwant %s", tc.content, err, tc.want)
		}
	}
}

func TestBooleansAreReadAsKubernetesReadsThem(t *testing.T) {
	for word, want := range map[string]bool{"true": true, "yes": true, "on": true, "y": true, "no": false, "off": false, "False": false} {
		content := strings.Replace(deployment, "replicas: 2", "paused: "+word, 1)
		manifests, err := Decode("f", []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		if d := manifests[0].Object.(*appsv1.Deployment); d.Spec.Paused != want {
			t.Errorf("%s is read as %v", word, d.Spec.Paused)
		}
	}
}

func TestSurrogatePairsOfJSONAreOneCharacter(t *testing.T) {
	manifests, err := Decode("f", []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"\ud83d\uded2"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := manifests[0].Object.(*corev1.ConfigMap).Data["k"]; got != "\U0001f6d2" {
		t.Errorf("%q", got)
	}
}

func TestProblemsInAListNameTheItem(t *testing.T) {
	_, err := Decode("f", []byte("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n  data: {k: plain text}\n- kind: Secret\n"))
	want := "f:7:13: items[0].data[k]: not base64; plain text goes under stringData of a Secret, or data of a ConfigMap\nf:8:3: items[1]: apiVersion is missing"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestEveryFieldCanBeTracedBackToItsPlace(t *testing.T) {
	manifests, err := Decode("f", []byte(deployment))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]resource.Position{
		"":                                       {Line: 1, Column: 1},
		"metadata":                               {Line: 3, Column: 1},
		"spec.replicas":                          {Line: 8, Column: 13},
		"spec.template.spec.containers[0].image": {Line: 19, Column: 16},
		"spec.template.spec.containers[0].stdin": {Line: 18, Column: 9},
		"metadata.labels[app.kubernetes.io/name]": {Line: 5, Column: 3},
	} {
		if got := manifests[0].At(path); got != want {
			t.Errorf("%q is at %v, want %v", path, got, want)
		}
	}
}

const prometheusRule = `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: orders
spec:
  groups:
  - name: orders
    interval: 10s
    limit: 5
    rules:
    - record: orders:rate1m
      expr: rate(orders_total[1m])
    - alert: NoOrders
      expr: 0
      for: 1m
      keep_firing_for: 30s
      labels: {severity: page}
      annotations:
        summary: "{{ $labels.service }} takes no orders"
`

func TestAPrometheusRuleIsReadAsStrictlyAsTheOthers(t *testing.T) {
	if _, err := Decode("f.yaml", []byte(prometheusRule)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"expr: rate(orders_total[1m])", "exprr: up", `f.yaml:12:7: spec.groups[0].rules[0].exprr: unknown field "exprr"; did you mean "expr"?`},
		{"rate(orders_total[1m])", "rate(orders_total[1m)", `f.yaml:12:13: spec.groups[0].rules[0].expr: 1:21: parse error: unexpected ")" in subquery or range, expected ":"`},
		{"for: 1m", "for: 1 minute", `f.yaml:15:12: spec.groups[0].rules[1].for: "1 minute" is not a duration such as 30s, 5m or 1h`},
		{"keep_firing_for", "keepFiringFor", `f.yaml:16:7: spec.groups[0].rules[1].keepFiringFor: unknown field "keepFiringFor"; did you mean "keep_firing_for"?`},
		{"limit: 5", "limit: many", `f.yaml:9:12: spec.groups[0].limit: expected a whole number, got the string "many"`},
		{"{{ $labels.service }}", "{{ $lables.service }}", `f.yaml:19:18: spec.groups[0].rules[1].annotations[summary]: 1:1: $lables.service is not known; there are $value, $labels.NAME, strings, numbers and functions`},
		{"monitoring.coreos.com/v1", "monitoring.coreos.com/v2", "f.yaml:1:13: PrometheusRule has apiVersion monitoring.coreos.com/v1, not monitoring.coreos.com/v2"},
		{"name: orders\n    interval", "interval", "f.yaml:7:5: spec.groups[0].name: is missing"},
	} {
		_, err := Decode("f.yaml", []byte(strings.Replace(prometheusRule, c.old, c.new, 1)))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.new, err, c.want)
		}
	}
}
