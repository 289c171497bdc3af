package resource_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/admission"
)

// read reads one object without any check, with its defaults.
func read(t *testing.T, text string) resource.Object {
	t.Helper()
	var head struct {
		Kind string `json:"kind"`
	}
	if err := yaml.Unmarshal([]byte(text), &head); err != nil {
		t.Fatal(err)
	}
	k, err := resource.LookupKind(head.Kind)
	if err != nil {
		t.Fatal(err)
	}
	o := k.New()
	if err := yaml.UnmarshalStrict([]byte(text), o); err != nil {
		t.Fatal(err)
	}
	k.Default(o)
	return o
}

func kindOf(t *testing.T, o resource.Object) resource.Kind {
	t.Helper()
	k, err := resource.KindOf(o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func check(t *testing.T, o resource.Object) []admission.Issue {
	t.Helper()
	return kindOf(t, o).Check(o)
}

// complete has every object that is referred to, and a Deployment that the Service selects.
type complete struct{}

func (complete) Find(key resource.Key) resource.Object {
	k, err := resource.LookupKind(key.Kind)
	if err != nil {
		return nil
	}
	o := k.New()
	if d, ok := o.(*appsv1.Deployment); ok {
		d.Spec.Template.Labels = map[string]string{"app": "shop"}
	}
	return o
}

func (complete) Names(kind, _ string) []string {
	if kind == resource.KindDeployment {
		return []string{"shop"}
	}
	return nil
}

func lines(issues []admission.Issue) []string {
	list := []string{}
	for _, i := range issues {
		list = append(list, i.Path+": "+i.Message)
	}
	return list
}

const deployment = `kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: server
        image: shop:v1
        ports: [{name: grpc, containerPort: 8080}]
`

const service = `kind: Service
metadata: {name: shop}
spec:
  selector: {app: shop}
  ports: [{port: 80}]
`

const inContainer = "spec.template.spec.containers[0]"

func TestTheAPIServerWouldRefuse(t *testing.T) {
	for _, tc := range []struct{ name, manifest, old, new, want string }{
		{"a negative number of replicas", deployment, "spec:\n  selector", "spec:\n  replicas: -1\n  selector", "spec.replicas: -1 is too small; it must be at least 0"},
		{"replicas for many machines", deployment, "spec:\n  selector", "spec:\n  replicas: 101\n  selector", "spec.replicas: 101 are too many for one machine; at most 100 are possible"},
		{"as many replicas as are possible", deployment, "spec:\n  selector", "spec:\n  replicas: 100\n  selector", ""},
		{"no selector", deployment, "  selector: {matchLabels: {app: shop}}\n", "", "spec.selector: is missing; it chooses this Deployment's instances by their labels"},
		{"a selector of others", deployment, "{matchLabels: {app: shop}}", "{matchLabels: {app: shop, version: v2}}", "spec.template.metadata.labels: spec.selector requires app=shop, version=v2, but the template's labels are app=shop"},
		{"a bad expression", deployment, "{matchLabels: {app: shop}}", "{matchExpressions: [{key: app, operator: In}]}", "spec.selector.matchExpressions[0].values: is missing; In needs values"},
		{"Recreate with a rolling update", deployment, "  selector", "  strategy: {type: Recreate, rollingUpdate: {}}\n  selector", "spec.strategy.rollingUpdate: cannot be combined with type Recreate"},
		{"a rolling update that cannot move", deployment, "  selector", "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}\n  selector", "spec.strategy.rollingUpdate.maxUnavailable: cannot be 0 when maxSurge is 0: no instance could be replaced"},
		{"an amount that is none", deployment, "  selector", "  strategy: {rollingUpdate: {maxSurge: some}}\n  selector", `spec.strategy.rollingUpdate.maxSurge: "some" is neither a number nor a percentage such as "25%"`},
		{"a deadline before readiness", deployment, "  selector", "  minReadySeconds: 60\n  progressDeadlineSeconds: 60\n  selector", "spec.progressDeadlineSeconds: 60 must be more than minReadySeconds (60)"},
		{"instances that do not restart", deployment, "      containers", "      restartPolicy: Never\n      containers", `spec.template.spec.restartPolicy: "Never": a Deployment's instances always restart; only Always is possible`},
		{"no containers", deployment, "      containers:\n      - name: server\n        image: shop:v1\n        ports: [{name: grpc, containerPort: 8080}]\n", "      containers: []\n", "spec.template.spec.containers: is missing; there must be at least one container"},
		{"two containers of one name", deployment, "      - name: server", "      - {name: server, image: a}\n      - name: server", `spec.template.spec.containers[1].name: "server" is the name of another container`},
		{"an init container that never restarts", deployment, "      containers", "      initContainers: [{name: i, image: i, restartPolicy: Never}]\n      containers", ""},
		{"a restart policy of one container", deployment, "        ports", "        restartPolicy: Always\n        ports", ""},
		{"a restart policy that is none", deployment, "        ports", "        restartPolicy: Sometimes\n        ports", inContainer + `.restartPolicy: "Sometimes" is not one of Always, OnFailure, Never`},
		{"a probe of an init container", deployment, "      containers", "      initContainers: [{name: i, image: i, readinessProbe: {exec: {command: [x]}}}]\n      containers", "spec.template.spec.initContainers[0].readinessProbe: is not possible for an init container that runs to completion; with restartPolicy: Always it is"},
		{"a probe of a sidecar", deployment, "      containers", "      initContainers: [{name: i, image: i, restartPolicy: Always, readinessProbe: {exec: {command: [x]}}}]\n      containers", ""},
		{"an image with a space", deployment, "shop:v1", "shop :v1", ""},
		{"a port name that is too long", deployment, "name: grpc", "name: a-port-for-grpc-calls", inContainer + `.ports[0].name: "a-port-for-grpc-calls" is not valid: must be no more than 15 characters`},
		{"a variable without a name", deployment, "        ports", "        env: [{value: x}]\n        ports", inContainer + ".env[0].name: is missing"},
		{"a variable with an equals sign", deployment, "        ports", "        env: [{name: A=B}]\n        ports", inContainer + `.env[0].name: "A=B" is not valid: a valid environment variable name must consist only of printable ASCII characters other than '='`},
		{"a variable from nowhere", deployment, "        ports", "        env: [{name: A, valueFrom: {}}]\n        ports", inContainer + ".env[0].valueFrom: must have exactly one of configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef; it has 0"},
		{"a variable twice", deployment, "        ports", "        env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]\n        ports", inContainer + ".env[0].valueFrom: cannot be combined with value"},
		{"a reference without key", deployment, "        ports", "        env: [{name: A, valueFrom: {secretKeyRef: {name: s}}}]\n        ports", inContainer + ".env[0].valueFrom.secretKeyRef.key: is missing"},
		{"a field that is not shown", deployment, "        ports", "        env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.nam}}}]\n        ports", inContainer + `.env[0].valueFrom.fieldRef.fieldPath: "metadata.nam" is not a field that a variable can show; did you mean "metadata.name"?; known are metadata.name, metadata.namespace, metadata.uid, spec.nodeName, spec.serviceAccountName, status.hostIP, status.hostIPs, status.podIP, status.podIPs, metadata.labels['KEY'] and metadata.annotations['KEY']`},
		{"variables from nowhere", deployment, "        ports", "        envFrom: [{prefix: A}]\n        ports", inContainer + ".envFrom[0]: must have exactly one of configMapRef, secretRef; it has 0"},
		{"a request above the limit", deployment, "        ports", "        resources: {limits: {cpu: 100m}, requests: {cpu: 0.2}}\n        ports", inContainer + ".resources.requests[cpu]: 200m is more than the limit of 100m"},
		{"a probe without handler", deployment, "        ports", "        readinessProbe: {periodSeconds: 1}\n        ports", inContainer + ".readinessProbe: must have exactly one of grpc, httpGet, tcpSocket, exec; it has 0"},
		{"a probe with two handlers", deployment, "        ports", "        readinessProbe: {grpc: {port: 1}, tcpSocket: {port: 1}}\n        ports", inContainer + ".readinessProbe: must have exactly one of grpc, httpGet, tcpSocket, exec; it has 2"},
		{"a probe without port", deployment, "        ports", "        readinessProbe: {grpc: {}}\n        ports", inContainer + ".readinessProbe.grpc.port: 0 is not a port; ports are 1 to 65535"},
		{"a liveness probe that needs two successes", deployment, "        ports", "        livenessProbe: {grpc: {port: 1}, successThreshold: 2}\n        ports", inContainer + ".livenessProbe.successThreshold: must be 1 for a probe that restarts the container"},
		{"a probe that never waits", deployment, "        ports", "        livenessProbe: {grpc: {port: 1}, initialDelaySeconds: -1}\n        ports", inContainer + ".livenessProbe.initialDelaySeconds: -1 is too small; it must be at least 0"},
		{"an empty command", deployment, "        ports", "        livenessProbe: {exec: {command: []}}\n        ports", inContainer + ".livenessProbe.exec.command: is missing"},
		{"a mount without volume", deployment, "      containers", "      volumes: [{name: config}]\n      containers", ""},
		{"a mount of another volume", deployment, "        ports", "        volumeMounts: [{name: x, mountPath: /x}]\n        ports", inContainer + `.volumeMounts[0].name: there is no volume "x"`},
		{"a volume with two sources", deployment, "      containers", "      volumes: [{name: v, emptyDir: {}, configMap: {name: c}}]\n      containers", "spec.template.spec.volumes[0]: must have exactly one source; it has 2"},
		{"a volume of no secret", deployment, "      containers", "      volumes: [{name: v, secret: {}}]\n      containers", "spec.template.spec.volumes[0].secret.secretName: is missing"},

		{"a service without ports", service, "  ports: [{port: 80}]\n", "", "spec.ports: is missing; there must be at least one port"},
		{"a name that no host can have", service, "name: shop", "name: my.shop", `metadata.name: "my.shop" is not valid: must not contain dots`},
		{"ports without names", service, "[{port: 80}]", "[{port: 80, name: a}, {port: 81}]", "spec.ports[1].name: is missing; with several ports each needs a name"},
		{"two ports of one name", service, "[{port: 80}]", "[{port: 80, name: a}, {port: 81, name: a}]", `spec.ports[1].name: "a" is the name of another port`},
		{"a port twice", service, "[{port: 80}]", "[{port: 80, name: a}, {port: 80, name: b}]", "spec.ports[1].port: 80/TCP is already used"},
		{"a node port of a ClusterIP", service, "{port: 80}", "{port: 80, nodePort: 30000}", "spec.ports[0].nodePort: is not allowed in a Service of type ClusterIP"},
		{"a target port that is none", service, "{port: 80}", "{port: 80, targetPort: 70000}", "spec.ports[0].targetPort: 70000 is not a port; ports are 1 to 65535"},
		{"an external name without name", service, "spec:", "spec:\n  type: ExternalName", "spec.externalName: is missing; type ExternalName needs it"},
		{"an address that is none", service, "spec:", "spec:\n  clusterIP: here", `spec.clusterIP: "here" is neither an IP address nor None`},

		{"a namespace in a namespace", "kind: Namespace\nmetadata: {name: a, namespace: b}\n", "", "", "metadata.namespace: a Namespace cannot have a namespace"},
		{"a generated name", "kind: ConfigMap\nmetadata: {generateName: a-}\n", "", "", "metadata.generateName: generated names are not supported; write metadata.name"},
		{"a key with a slash", "kind: ConfigMap\nmetadata: {name: a}\ndata: {a/b: c}\n", "", "", `data[a/b]: "a/b" is not valid: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name')`},
		{"a key twice", "kind: ConfigMap\nmetadata: {name: a}\ndata: {b: c}\nbinaryData: {b: YQ==}\n", "", "", "binaryData[b]: is already in data"},
		{"a TLS secret without key", "kind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/tls\nstringData: {tls.crt: x}\n", "", "", "data[tls.key]: a Secret of type kubernetes.io/tls needs the key tls.key"},
		{"too large a ConfigMap", "kind: ConfigMap\nmetadata: {name: a}\ndata: {a: " + strings.Repeat("x", 1<<20) + ", b: x}\n", "", "", "data: 1048577 bytes are too many; a ConfigMap may have 1048576"},
		{"too long an annotation", "kind: ServiceAccount\nmetadata: {name: a, annotations: {a: " + strings.Repeat("x", 256<<10) + "}}\n", "", "", "metadata.annotations: 262145 bytes are too many; all annotations together may have 262144"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(tc.manifest, tc.old, tc.new, 1)
			want := []string{tc.want}
			if tc.want == "" {
				want = []string{}
			}
			if diff := cmp.Diff(want, lines(check(t, read(t, text)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatCannotChangeIsRefused(t *testing.T) {
	secret := "kind: Secret\nmetadata: {name: a}\nimmutable: true\nstringData: {a: x}\n"
	for _, tc := range []struct{ name, manifest, old, new, want string }{
		{"selector", deployment, "{matchLabels: {app: shop}}", "{matchLabels: {app: other}}", "spec.selector: cannot change once the Deployment exists (it is app=shop); delete the Deployment first"},
		{"type of a secret", "kind: Secret\nmetadata: {name: a}\n", "metadata", "type: my/type\nmetadata", "type: cannot change from Opaque; delete the Secret first"},
		{"immutable data", secret, "a: x", "a: z", "data: cannot change, the object is immutable; delete it first"},
		{"immutability", secret, "immutable: true\n", "", "immutable: cannot be unset; delete the object first"},
		{"immutable ConfigMap", "kind: ConfigMap\nmetadata: {name: a}\nimmutable: true\ndata: {a: x}\n", "a: x", "a: z", "data: cannot change, the object is immutable; delete it first"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			old, updated := read(t, tc.manifest), read(t, strings.Replace(tc.manifest, tc.old, tc.new, 1))
			if diff := cmp.Diff([]string{tc.want}, lines(kindOf(t, old).CheckUpdate(old, updated))); diff != "" {
				t.Error(diff)
			}
			if issues := kindOf(t, old).CheckUpdate(old, old); len(issues) > 0 {
				t.Errorf("no change is refused: %v", issues)
			}
		})
	}
}

func TestWhatHasNoEffectIsAWarning(t *testing.T) {
	for _, tc := range []struct{ name, manifest, old, new, want string }{
		{"host network", deployment, "      containers", "      hostNetwork: true\n      containers", "spec.template.spec.hostNetwork: has no effect here, where every instance runs on this machine"},
		{"affinity", deployment, "      containers", "      affinity: {}\n      containers", "spec.template.spec.affinity: has no effect here, where every instance runs on this machine"},
		{"hooks of an init container", deployment, "      containers", "      initContainers: [{name: i, image: i, restartPolicy: Always, lifecycle: {preStop: {exec: {command: [x]}}}}]\n      containers", "spec.template.spec.initContainers[0].lifecycle: hooks are not supported"},
		{"a volume of the host", deployment, "      containers", "      volumes: [{name: v, hostPath: {path: /}}]\n      containers", "spec.template.spec.volumes[0]: has an unsupported kind; configMap, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected and secret are supported"},
		{"hooks", deployment, "        ports", "        lifecycle: {preStop: {exec: {command: [sleep]}}}\n        ports", inContainer + ".lifecycle: hooks are not supported"},
		{"a variable set twice", deployment, "        ports", "        env: [{name: A}, {name: A}]\n        ports", inContainer + `.env[1].name: "A" is set twice; the last one counts`},
		{"a probe of another port", deployment, "        ports", "        readinessProbe: {grpc: {port: 8081}}\n        ports", inContainer + ".readinessProbe.grpc.port: 8081 is not one of the container's ports (8080 grpc)"},
		{"a probe of a named port", deployment, "        ports", "        readinessProbe: {tcpSocket: {port: http}}\n        ports", inContainer + ".readinessProbe.tcpSocket.port: http is not one of the container's ports (8080 grpc)"},
		{"a load balancer", service, "spec:", "spec:\n  type: LoadBalancer", "spec.type: LoadBalancer acts as ClusterIP here"},
		{"UDP", service, "{port: 80}", "{port: 80, protocol: UDP}", "spec.ports[0].protocol: UDP is not served here; TCP is"},
		{"nothing", deployment, "", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := read(t, strings.Replace(tc.manifest, tc.old, tc.new, 1))
			if issues := check(t, o); len(issues) > 0 {
				t.Fatalf("it is not legal: %v", issues)
			}
			want := []string{tc.want}
			if tc.want == "" {
				want = []string{}
			}
			if diff := cmp.Diff(want, lines(kindOf(t, o).Warnings(o, complete{}))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDefaultsAreThoseOfKubernetes(t *testing.T) {
	d := read(t, strings.Replace(deployment, "        ports", `        resources: {limits: {cpu: 1}}
        readinessProbe: {grpc: {port: 8080}}
        livenessProbe: {httpGet: {port: 8080}}
        env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
        ports`, 1))
	got, err := yaml.Marshal(d.(*appsv1.Deployment).Spec)
	if err != nil {
		t.Fatal(err)
	}
	want := `progressDeadlineSeconds: 600
replicas: 1
revisionHistoryLimit: 10
selector:
  matchLabels:
    app: shop
strategy:
  rollingUpdate:
    maxSurge: 25%
    maxUnavailable: 25%
  type: RollingUpdate
template:
  metadata:
    labels:
      app: shop
  spec:
    containers:
    - env:
      - name: A
        valueFrom:
          fieldRef:
            apiVersion: v1
            fieldPath: metadata.name
      image: shop:v1
      imagePullPolicy: IfNotPresent
      livenessProbe:
        failureThreshold: 3
        httpGet:
          path: /
          port: 8080
          scheme: HTTP
        periodSeconds: 10
        successThreshold: 1
        timeoutSeconds: 1
      name: server
      ports:
      - containerPort: 8080
        name: grpc
        protocol: TCP
      readinessProbe:
        failureThreshold: 3
        grpc:
          port: 8080
          service: ""
        periodSeconds: 10
        successThreshold: 1
        timeoutSeconds: 1
      resources:
        limits:
          cpu: "1"
      terminationMessagePath: /dev/termination-log
      terminationMessagePolicy: File
    dnsPolicy: ClusterFirst
    restartPolicy: Always
    schedulerName: default-scheduler
    securityContext: {}
    terminationGracePeriodSeconds: 30
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	s := read(t, service).(*corev1.Service)
	if p := s.Spec.Ports[0]; p.Protocol != "TCP" || p.TargetPort.IntVal != 80 || s.Spec.Type != "ClusterIP" {
		t.Errorf("%+v", s.Spec)
	}
	secret := read(t, "kind: Secret\nmetadata: {name: a}\ndata: {a: YQ==, b: Yg==}\nstringData: {a: z}\n").(*corev1.Secret)
	if string(secret.Data["a"]) != "z" || string(secret.Data["b"]) != "b" || secret.StringData != nil || secret.Type != "Opaque" {
		t.Errorf("%+v", secret)
	}
}

func TestTheImageDecidesWhetherItIsPulledAlways(t *testing.T) {
	for image, want := range map[string]corev1.PullPolicy{
		"a": "Always", "a:latest": "Always", "a:v1": "IfNotPresent", "host:5000/a": "Always", "host:5000/a:v1": "IfNotPresent", "a@sha256:00": "IfNotPresent",
	} {
		d := read(t, strings.Replace(deployment, "shop:v1", image, 1)).(*appsv1.Deployment)
		if got := d.Spec.Template.Spec.Containers[0].ImagePullPolicy; got != want {
			t.Errorf("%s: %s, want %s", image, got, want)
		}
	}
}

func TestDefaultsAreSetOnce(t *testing.T) {
	for _, text := range []string{deployment, service, "kind: Secret\nmetadata: {name: a}\nstringData: {a: z}\n", "kind: Namespace\nmetadata: {name: a}\n"} {
		o := read(t, text)
		again := o.DeepCopyObject().(resource.Object)
		kindOf(t, again).Default(again)
		if diff := cmp.Diff(o, again); diff != "" {
			t.Error(diff)
		}
	}
}
