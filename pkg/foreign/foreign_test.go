package foreign_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/shopctl/shopctl/pkg/foreign"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// limits know the images "catalog", "redis" and "monolith".
func limits() foreign.Limits {
	return foreign.Limits{Namespace: store.DefaultNamespace, Builtin: func(image string) bool {
		name, _, _ := strings.Cut(filepath.Base(image), ":")
		return name == "catalog" || name == "redis" || name == "monolith"
	}}
}

// deployment is a Deployment with the fields of its only container, and further fields of its pod.
func deployment(container, pod string) string {
	return fmt.Sprintf(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: {matchLabels: {app: d}}, `+
		`template: {metadata: {labels: {app: d}}, spec: {%s containers: [{name: server, %s}]}}}}`, pod, container)
}

// shop is a store with a ConfigMap, two Deployments that read it (one of them runs a program of the user), and Services.
func shop(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{Path: filepath.Join(t.TempDir(), "objects.json"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, `{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {LOG_LEVEL: info}}`)
	reads := `envFrom: [{configMapRef: {name: settings}}]`
	apply(t, s, strings.ReplaceAll(deployment(`image: catalog, `+reads, ""), "name: d}", "name: reader}"))
	apply(t, s, strings.ReplaceAll(deployment(`image: node, command: [node, x.js], envFrom: [{configMapRef: {name: own}}], volumeMounts: [{name: v, mountPath: /v}]`,
		`volumes: [{name: v, configMap: {name: files}}],`), "name: d}", "name: own}"))
	apply(t, s, `{apiVersion: v1, kind: ConfigMap, metadata: {name: own}, data: {LOG_LEVEL: info}}`)
	apply(t, s, `{apiVersion: v1, kind: ConfigMap, metadata: {name: files}, data: {x.js: "1"}}`)
	apply(t, s, strings.ReplaceAll(deployment(`image: redis, env: [{name: REDIS_SERVER, value: /opt/redis-server}]`, ""), "name: d}", "name: redis-cart}"))
	apply(t, s, `{apiVersion: v1, kind: Service, metadata: {name: payments}, spec: {ports: [{port: 80}]}}`)
	apply(t, s, `{apiVersion: v1, kind: Namespace, metadata: {name: other}}`)
	return s
}

// gateway is one of the mesh, with further fields of its container.
func gateway(container string) string {
	return `{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: {matchLabels: {app: d}}, template: {metadata: {labels: {app: d}, ` +
		`annotations: {inject.istio.io/templates: gateway}}, spec: {containers: [{name: istio-proxy, image: auto, ` + container + `}]}}}}`
}

func apply(t *testing.T, s *store.Store, text string) {
	t.Helper()
	if _, err := s.Apply(t.Context(), manifests(t, text), "", false); err != nil {
		t.Fatal(err)
	}
}

func manifests(t *testing.T, text string) []resource.Manifest {
	t.Helper()
	m, err := decode.Decode("x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestALessonByAnotherAuthorChoosesNoProgram(t *testing.T) {
	const what = "cannot choose what runs"
	const variable = "sets only variables that built-in services document"
	for name, c := range map[string]struct{ text, want string }{
		"a command":                 {deployment(`image: catalog, command: [sh, -c, id]`, ""), "containers[0].command: a lesson by another author " + what},
		"arguments":                 {deployment(`image: catalog, args: [x]`, ""), "containers[0].args: a lesson by another author " + what},
		"a working directory":       {deployment(`image: catalog, workingDir: /tmp`, ""), "containers[0].workingDir"},
		"an image of the user's":    {deployment(`image: node`, ""), `containers[0].image: "node" is not a built-in service`},
		"a gateway with a command":  {gateway(`command: [id]`), "containers[0].command: a lesson by another author " + what},
		"a gateway with variables":  {gateway(`env: [{name: SHOPCTL_X, value: z}]`), `containers[0].image: "auto" is not a built-in service`},
		"a gateway of another name": {strings.ReplaceAll(gateway(``), "istio-proxy", "program"), `containers[0].image: "auto" is not a built-in service`},
		"a proxy in no gateway":     {strings.ReplaceAll(gateway(``), "templates: gateway", "templates: sidecar"), `containers[0].image: "auto" is not a built-in service`},
		"another label of the shop": {`{apiVersion: v1, kind: Namespace, metadata: {name: production, labels: {istio-injection: enabled, x: z}}}`, "only objects in the shop's namespace"},
		"another namespace's mesh":  {`{apiVersion: v1, kind: Namespace, metadata: {name: other, labels: {istio-injection: enabled}}}`, "only objects in the shop's namespace"},
		"an init container":         {deployment(`image: catalog`, `initContainers: [{name: i, image: catalog, command: [id]}],`), "initContainers[0].command"},
		"a sidecar":                 {deployment(`image: catalog`, `initContainers: [{name: i, image: node, restartPolicy: Always}],`), "initContainers[0].image"},
		"an ephemeral container":    {deployment(`image: catalog`, `ephemeralContainers: [{name: e, image: catalog, command: [id]}],`), "ephemeralContainers"},
		"a hook after the start":    {deployment(`image: catalog, lifecycle: {postStart: {exec: {command: [id]}}}`, ""), "containers[0].lifecycle"},
		"a hook before the stop":    {deployment(`image: catalog, lifecycle: {preStop: {exec: {command: [id]}}}`, ""), "containers[0].lifecycle"},
		"a startup probe":           {deployment(`image: catalog, startupProbe: {exec: {command: [id]}}`, ""), "containers[0].startupProbe.exec"},
		"a readiness probe":         {deployment(`image: catalog, readinessProbe: {exec: {command: [id]}}`, ""), "containers[0].readinessProbe.exec"},
		"a liveness probe":          {deployment(`image: catalog, livenessProbe: {exec: {command: [id]}}`, ""), "containers[0].livenessProbe.exec"},
		"a probe of another host":   {deployment(`image: catalog, livenessProbe: {httpGet: {host: example.com, port: 80}}`, ""), "probes only declared ports"},
		"a probe of another port":   {deployment(`image: catalog, ports: [{containerPort: 80}], livenessProbe: {httpGet: {path: /delete, port: 631}}`, ""), "probes only declared ports"},
		"a directory of the host":   {deployment(`image: catalog, volumeMounts: [{name: v, mountPath: /v}]`, `volumes: [{name: v, hostPath: {path: /}}],`), "volumes[0].hostPath"},
		"a host's network":          {deployment(`image: catalog`, `hostNetwork: true,`), "hostNetwork"},
		"a loader's variable":       {deployment(`image: catalog, env: [{name: LD_PRELOAD, value: ./x.so}]`, ""), "variable LD_PRELOAD: a lesson by another author " + variable},
		"one of macOS":              {deployment(`image: catalog, env: [{name: DYLD_INSERT_LIBRARIES, value: ./x}]`, ""), "variable DYLD_INSERT_LIBRARIES"},
		"one of an interpreter":     {deployment(`image: catalog, env: [{name: NODE_OPTIONS, value: -r ./x}]`, ""), "variable NODE_OPTIONS"},
		"one of a shell":            {deployment(`image: catalog, env: [{name: BASH_ENV, value: ./x}]`, ""), "variable BASH_ENV"},
		"where programs are found":  {deployment(`image: redis, env: [{name: PATH, value: .}]`, ""), "variable PATH"},
		"a file that is read":       {deployment(`image: catalog, env: [{name: PRODUCT_CATALOG_FILE, value: /etc/passwd}]`, ""), "variable PRODUCT_CATALOG_FILE"},
		"a file that is written":    {deployment(`image: catalog, env: [{name: GOCOVERDIR, value: /tmp}]`, ""), "variable GOCOVERDIR"},
		"a receiver of spans":       {deployment(`image: catalog, env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://example.com"}]`, ""), "variable OTEL_EXPORTER_OTLP_ENDPOINT"},
		"a receiver of mails":       {deployment(`image: catalog, env: [{name: SMTP_ADDR, value: "example.com:25"}]`, ""), "variable SMTP_ADDR"},
		"a store's program":         {deployment(`image: redis, env: [{name: REDIS_SERVER, value: pack/bin/x}]`, ""), "variable REDIS_SERVER: a lesson by another author " + what + "; the only value is embedded"},
		"one in the monolith":       {deployment(`image: monolith, env: [{name: CART_REDIS_SERVER, value: x}]`, ""), "variable CART_REDIS_SERVER"},
		"a program by expansion":    {deployment(`image: redis, env: [{name: LOG_LEVEL, value: x}, {name: REDIS_SERVER, value: "$(LOG_LEVEL)"}]`, ""), "variable REDIS_SERVER"},
		"an address elsewhere":      {deployment(`image: catalog, env: [{name: CART_SERVICE_ADDR, value: "example.com:80"}]`, ""), "is not the address of a Service in namespace production"},
		"an address of the machine": {deployment(`image: catalog, env: [{name: CART_SERVICE_ADDR, value: "127.0.0.1:22"}]`, ""), "is not the address of a Service"},
		"localhost":                 {deployment(`image: catalog, env: [{name: CART_SERVICE_ADDR, value: "localhost:22"}]`, ""), `there is no Service "localhost"`},
		"a credential in one":       {deployment(`image: catalog, env: [{name: REDIS_ADDR, value: "redis://u@example.com:1"}]`, ""), "is not the address of a Service"},
		"two addresses":             {deployment(`image: catalog, env: [{name: REDIS_ADDR, value: "payments:80,example.com:1"}]`, ""), "is not the address of a Service"},
		"a variable by a prefix": {`{apiVersion: v1, kind: ConfigMap, metadata: {name: p}, data: {PRELOAD: x}}` + "\n---\n" +
			deployment(`image: catalog, envFrom: [{prefix: LD_, configMapRef: {name: p}}]`, ""), "variable LD_PRELOAD"},
		"a variable from a Secret": {`{apiVersion: v1, kind: Secret, metadata: {name: p}, stringData: {LD_PRELOAD: x}}` + "\n---\n" +
			deployment(`image: catalog, envFrom: [{secretRef: {name: p}}]`, ""), "variable LD_PRELOAD"},
		"a value from a ConfigMap": {`{apiVersion: v1, kind: ConfigMap, metadata: {name: p}, data: {a: x}}` + "\n---\n" +
			deployment(`image: redis, env: [{name: REDIS_SERVER, valueFrom: {configMapKeyRef: {name: p, key: a}}}]`, ""), "variable REDIS_SERVER"},
		"a value from a label":         {deployment(`image: redis, env: [{name: REDIS_SERVER, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}]`, ""), "variable REDIS_SERVER"},
		"a ConfigMap changed later":    {`{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {LD_PRELOAD: x}}`, "change deployment/reader: spec.template.spec: container server: variable LD_PRELOAD"},
		"the input of a user's":        {`{apiVersion: v1, kind: ConfigMap, metadata: {name: own}, data: {LOG_LEVEL: debug}}`, "own: spec.template.spec: it runs a program of yours"},
		"a file of a user's":           {`{apiVersion: v1, kind: ConfigMap, metadata: {name: files}, data: {x.js: evil()}}`, "own: spec.template.spec: it runs a program of yours"},
		"another namespace":            {strings.ReplaceAll(deployment(`image: catalog`, ""), "{name: d}", "{name: d, namespace: other}"), "changes only objects in the shop's namespace, production"},
		"a namespace":                  {`{apiVersion: v1, kind: Namespace, metadata: {name: mine}}`, "changes only objects in the shop's namespace, production"},
		"a Service for another host":   {`{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {type: ExternalName, externalName: example.com}}`, "spec.type: a lesson by another author sends nothing elsewhere"},
		"very many instances":          {strings.Replace(deployment(`image: catalog`, ""), "spec: {selector", "spec: {replicas: 100, selector", 1), "change the shop: a lesson by another author runs at most 60 instances, not 103"},
		"a path outside of the volume": {deployment(`image: catalog, volumeMounts: [{name: v, mountPath: /v, subPathExpr: "$(X)"}]`, `volumes: [{name: v, emptyDir: {}}],`), "containers[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			s := shop(t)
			before := s.Snapshot().Revision()
			m, err := decode.Decode("x.yaml", []byte(c.text))
			if err == nil {
				_, err = s.Apply(store.WithCheck(t.Context(), limits().Check), m, "", false)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if s.Snapshot().Revision() != before {
				t.Error("the shop was changed")
			}
		})
	}
}

func TestALessonByAnotherAuthorChangesSettings(t *testing.T) {
	for name, text := range map[string]string{
		"a service":     deployment(`image: "shopctl/catalog:v2", env: [{name: EXTRA_LATENCY, value: 1s}], ports: [{name: grpc, containerPort: 3550}], readinessProbe: {grpc: {port: 3550}}, livenessProbe: {tcpSocket: {port: grpc}}`, ""),
		"addresses":     deployment(`image: catalog, env: [{name: PAYMENT_SERVICE_ADDR, value: "payments.production.svc.cluster.local:80"}, {name: AD_SERVICE_ADDR, value: "inproc://ad"}]`, ""),
		"a module":      deployment(`image: monolith, env: [{name: AD_LOG_LEVEL, value: debug}]`, ""),
		"a store":       deployment(`image: "redis:alpine", env: [{name: REDIS_SERVER, value: embedded}]`, ""),
		"volumes":       deployment(`image: catalog, volumeMounts: [{name: v, mountPath: /v, subPath: a}]`, `volumes: [{name: v, configMap: {name: x, optional: true}}, {name: e, emptyDir: {}}],`),
		"a ConfigMap":   `{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {LD_PRELOAD: nobody reads it}}`,
		"a Service":     `{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {selector: {app: d}, ports: [{port: 80}]}}`,
		"a gateway":     gateway(`ports: [{containerPort: 8080}]`),
		"other objects": `{apiVersion: monitoring.coreos.com/v1, kind: PrometheusRule, metadata: {name: r}, spec: {groups: [{name: g, rules: [{record: a, expr: "1"}]}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := shop(t).Apply(store.WithCheck(t.Context(), limits().Check), manifests(t, text), "", false); err != nil {
				t.Error(err)
			}
			if problems := limits().CheckManifests(manifests(t, text)); len(problems) > 0 {
				t.Error(problems)
			}
		})
	}
}

func TestALessonByAnotherAuthorTakesTheShopIntoTheMeshAndOutOfIt(t *testing.T) {
	s := shop(t)
	ctx := store.WithCheck(t.Context(), limits().Check)
	namespace := func(name string) []resource.Key { return []resource.Key{{Kind: resource.KindNamespace, Name: name}} }
	for _, on := range []bool{true, false} {
		join := func(o resource.Object) error { return resource.SetInjection(o, on) }
		if _, err := s.EditObjects(ctx, namespace(store.DefaultNamespace), false, join); err != nil {
			t.Errorf("into the mesh: %v: %v", on, err)
		}
		var refused *foreign.RefusedError
		if _, err := s.EditObjects(ctx, namespace("other"), false, join); !errors.As(err, &refused) {
			t.Errorf("another namespace: %v", err)
		}
	}
	var refused *foreign.RefusedError
	if _, err := s.EditObjects(ctx, namespace(store.DefaultNamespace), false, func(o resource.Object) error {
		o.SetLabels(map[string]string{resource.InjectionLabel: "enabled", "x": "z"})
		return nil
	}); !errors.As(err, &refused) {
		t.Errorf("another label beside it: %v", err)
	}
}

func TestWhatTheUserSetStaysAllowed(t *testing.T) {
	s := shop(t)
	ctx := store.WithCheck(t.Context(), limits().Check)
	key := func(name string) resource.Key {
		return resource.Key{Kind: resource.KindDeployment, Namespace: store.DefaultNamespace, Name: name}
	}
	change := func(name string, edit func(*appsv1.Deployment) error) error {
		_, err := s.EditDeployments(ctx, []resource.Key{key(name)}, false, edit)
		return err
	}
	for _, name := range []string{"own", "redis-cart"} {
		if err := change(name, func(d *appsv1.Deployment) error { return resource.Scale(d, 3) }); err != nil {
			t.Errorf("scale %s: %v", name, err)
		}
		if err := change(name, func(d *appsv1.Deployment) error { return resource.Restart(d, time.Now()) }); err != nil {
			t.Errorf("restart %s: %v", name, err)
		}
	}
	setEnv := func(name, value string) func(*appsv1.Deployment) error {
		return func(d *appsv1.Deployment) error {
			return resource.SetEnv(d, map[string]string{name: value}, nil)
		}
	}
	if err := change("redis-cart", setEnv("LOG_LEVEL", "debug")); err != nil {
		t.Errorf("one more variable beside the user's: %v", err)
	}
	var refused *foreign.RefusedError
	if err := change("redis-cart", setEnv("REDIS_SERVER", "/tmp/x")); !errors.As(err, &refused) {
		t.Errorf("another program: %v", err)
	}
	if err := change("own", setEnv("LOG_LEVEL", "debug")); !errors.As(err, &refused) {
		t.Errorf("a variable of the user's program: %v", err)
	}
	if _, err := s.Delete(ctx, []resource.Key{key("own")}, false); err != nil {
		t.Errorf("delete: %v", err)
	}
}

func TestManifestsAreRefusedWithTheirPlaces(t *testing.T) {
	text := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: {matchLabels: {app: d}}\n  template:\n" +
		"    metadata: {labels: {app: d}}\n    spec:\n      containers:\n      - name: server\n        image: catalog\n        command: [id]\n"
	problems := limits().CheckManifests(manifests(t, text))
	if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), "x.yaml:12:9: ") || !strings.Contains(problems[0].String(), "containers[0].command") {
		t.Errorf("problems %v", problems)
	}
}
