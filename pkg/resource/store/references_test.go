package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReferencesThatLeadNowhereAreWarnings(t *testing.T) {
	for _, tc := range []struct {
		name, content string
		want          []string
	}{
		{
			"a selector with a slip of the finger",
			"apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  selector:\n    app: productcatalog-service\n  ports: [{port: 80}]\n",
			[]string{`f.yaml:6:10: spec.selector[app]: no Deployment has the label app: productcatalog-service; nearest is productcatalogservice`},
		},
		{
			"a selector of labels that no Deployment has together",
			"apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  selector: {app: productcatalogservice, version: v9}\n  ports: [{port: 80}]\n",
			[]string{`f.yaml:5:51: spec.selector[version]: no Deployment has the label version: v9; nearest is v1`},
		},
		{
			"a port name",
			"apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  selector: {app: productcatalogservice}\n  ports: [{port: 80, targetPort: http}]\n",
			[]string{`f.yaml:6:34: spec.ports[0].targetPort: no container of productcatalogservice has a port named "http"`},
		},
		{
			"a headless service without selector",
			"apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {clusterIP: None}\n",
			nil,
		},
		{
			"addresses",
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: {matchLabels: {app: d}}\n  template:\n    metadata: {labels: {app: d}}\n    spec:\n" +
				"      containers:\n      - name: c\n        image: x\n        args: [--addr=productcatalogservice:9, --host, productcatalogservice, --port, \"3550\"]\n        env:\n" +
				"        - {name: CATALOG_ADDR, value: \"productcatalogservice:3550\"}\n        - {name: CART_ADDR, value: \"cratservice:7070\"}\n        - {name: CATALOG_HOST, value: productcatalogservice}\n",
			[]string{
				`f.yaml:12:9: spec.template.spec.containers[0].args: the Service productcatalogservice has another address here, and a name apart from its port is not replaced; write productcatalogservice:3550 as one word, or set the variables PRODUCTCATALOGSERVICE_HOST to productcatalogservice and PRODUCTCATALOGSERVICE_PORT to 3550 and write $(PRODUCTCATALOGSERVICE_HOST) and $(PRODUCTCATALOGSERVICE_PORT)`,
				`f.yaml:12:16: spec.template.spec.containers[0].args[0]: service productcatalogservice has no port 9, but 3550`,
				`f.yaml:15:36: spec.template.spec.containers[0].env[1].value: there is no Service "cratservice" in namespace "production"`,
				`f.yaml:16:39: spec.template.spec.containers[0].env[2].value: it names the Service productcatalogservice without its port, which is another one here; set CATALOG_PORT beside it to 3550, or use a single variable with productcatalogservice:3550`,
			},
		},
		{
			"objects and keys",
			configMap + `---
apiVersion: v1
kind: Secret
metadata: {name: app-secrets}
stringData: {API_KEY: x}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec:
  selector: {matchLabels: {app: d}}
  template:
    metadata: {labels: {app: d}}
    spec:
      serviceAccountName: productcatalog
      volumes:
      - {name: v, configMap: {name: app-confg}}
      - {name: w, secret: {secretName: none, optional: true}}
      containers:
      - name: c
        image: x
        envFrom:
        - secretRef: {name: app-secret}
        env:
        - {name: A, valueFrom: {configMapKeyRef: {name: app-config, key: LOGLEVEL}}}
        - {name: B, valueFrom: {secretKeyRef: {name: app-secrets, key: API_KEY}}}
        - {name: C, valueFrom: {secretKeyRef: {name: missing, key: k, optional: true}}}
`,
			[]string{
				`f.yaml:19:27: spec.template.spec.serviceAccountName: there is no ServiceAccount "productcatalog"; a cluster would start no instance; did you mean "productcatalogservice"?`,
				`f.yaml:21:37: spec.template.spec.volumes[0].configMap.name: there is no ConfigMap "app-confg", and instances will not start without it; did you mean "app-config"?`,
				`f.yaml:27:29: spec.template.spec.containers[0].envFrom[0].secretRef.name: there is no Secret "app-secret", and instances will not start without it; did you mean "app-secrets"?`,
				`f.yaml:29:74: spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.key: it has no key "LOGLEVEL", and instances will not start without it; did you mean "LOG_LEVEL"?`,
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := open(t, config(t, "", catalog))
			if diff := cmp.Diff(tc.want, apply(t, s, tc.content).Warnings.Strings(), cmp.Transformer("empty", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBlueGreenIsValidWithoutWarnings(t *testing.T) {
	s := open(t, config(t, "", catalog))
	for _, name := range []string{"blue-green.yaml", "config.yaml"} {
		result, err := s.Apply(t.Context(), file(t, name), "", false)
		if err != nil || len(result.Warnings) != 0 {
			t.Errorf("%s: warnings %v, error %v", name, result.Warnings, err)
		}
	}
}
