package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/resource/decode"
)

// Checks whose time grew with the square of the size would take minutes for these.
func TestManifestsAtTheLimitsAreChecked(t *testing.T) {
	list := func(n int, element string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = strings.ReplaceAll(element, "#", fmt.Sprint(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	const n = 20_000
	for name, fields := range map[string][2]string{
		"items of a volume":   {"volumes: [{name: v, configMap: {name: c, items: " + list(n, "{key: a, path: a/b/c/#}") + "}}]", ""},
		"a deep path":         {"volumes: [{name: v, configMap: {name: c, items: [{key: a, path: " + strings.Repeat("a/", 500_000) + "b}]}}]", ""},
		"mounts":              {"volumes: " + list(n, "{name: v#}"), "volumeMounts: " + list(n, "{name: v#, mountPath: /#}")},
		"claims":              {"resourceClaims: " + list(n, "{name: c#, resourceClaimName: x}"), "resources: {claims: " + list(n, "{name: c#}") + "}"},
		"devices":             {"volumes: " + list(n, "{name: v#, persistentVolumeClaim: {claimName: c}}"), "volumeDevices: " + list(n, "{name: v#, devicePath: /#}")},
		"variables":           {"hostname: web", "env: " + list(n, "{name: A, value: x}")},
		"keys of labels":      {"topologySpreadConstraints: [{maxSkew: 1, topologyKey: z, whenUnsatisfiable: DoNotSchedule, labelSelector: {}, matchLabelKeys: " + list(n, "k#") + "}]", ""},
		"addresses of others": {"hostAliases: " + list(n, "{ip: 192.0.2.1, hostnames: [a]}"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      ` + fields[0] + `
      containers:
      - name: web
        image: web:v1
        ` + fields[1] + "\n"
			m, err := decode.Decode("f.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := open(t, config(t, "", "")).Apply(t.Context(), m, "", false); err != nil {
				t.Fatal(err)
			}
		})
	}
}
