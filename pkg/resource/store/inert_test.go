package store_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const withInertFields = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      readinessGates: [{conditionType: example.com/x}]
      os: {name: linux}
      hostUsers: false
      setHostnameAsFQDN: true
      shareProcessNamespace: true
      overhead: {cpu: 1}
      preemptionPolicy: Never
      schedulerName: mine
      containers:
      - name: web
        image: web:v1
        restartPolicy: Never
        stdin: true
        tty: true
        workingDir: /srv
        ports:
        - {containerPort: 80, hostPort: 80}
        resources:
          limits: {cpu: 1, memory: 64Mi, ephemeral-storage: 1Gi}
          requests: {cpu: 1}
        volumeMounts:
        - {name: config, mountPath: /config, readOnly: true}
      volumes:
      - name: config
        configMap: {name: app-config, defaultMode: 0400}
`

func TestLegalFieldsThatDoNothingAreWarnedOf(t *testing.T) {
	s := open(t, config(t, "", configMap))
	want := []string{
		"f.yaml:10:7: spec.template.spec.readinessGates: have no effect here; an instance is ready when its readiness probes succeed",
		"f.yaml:11:7: spec.template.spec.os: has no effect here; programs are made for the system of this machine",
		"f.yaml:12:18: spec.template.spec.hostUsers: has no effect here, where every instance runs on this machine",
		"f.yaml:13:26: spec.template.spec.setHostnameAsFQDN: has no effect here, where every instance runs on this machine",
		"f.yaml:14:30: spec.template.spec.shareProcessNamespace: has no effect here, where every instance runs on this machine",
		"f.yaml:15:7: spec.template.spec.overhead: has no effect here, where every instance runs on this machine",
		"f.yaml:16:25: spec.template.spec.preemptionPolicy: has no effect here, where every instance runs on this machine",
		"f.yaml:17:22: spec.template.spec.schedulerName: has no effect here, where every instance runs on this machine",
		"f.yaml:21:24: spec.template.spec.containers[0].restartPolicy: has no effect here; a container that ends is started again",
		"f.yaml:22:16: spec.template.spec.containers[0].stdin: has no effect here; a container reads nothing, and its output goes to its log",
		"f.yaml:23:14: spec.template.spec.containers[0].tty: has no effect here; a container reads nothing, and its output goes to its log",
		"f.yaml:26:41: spec.template.spec.containers[0].ports[0].hostPort: has no effect here; a free port of this machine is chosen, as describe shows",
		"f.yaml:28:25: spec.template.spec.containers[0].resources.limits[cpu]: is not enforced here; a container may use every processor of this machine",
		"f.yaml:28:61: spec.template.spec.containers[0].resources.limits[ephemeral-storage]: is not a resource that this machine hands out",
		"f.yaml:31:56: spec.template.spec.containers[0].volumeMounts[0].readOnly: is not enforced here; a container can write to its volumes",
		"f.yaml:34:52: spec.template.spec.volumes[0].configMap.defaultMode: has no effect here; you alone can read the files",
	}
	if diff := cmp.Diff(want, apply(t, s, withInertFields).Warnings.Strings()); diff != "" {
		t.Error(diff)
	}
}

func TestManyWarningsAreCutShort(t *testing.T) {
	s := open(t, config(t, "", ""))
	variables := strings.Repeat("{name: A, value: x}, ", maxWarnings+10)
	warnings := apply(t, s, `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "web:v1", env: [`+variables+`]}]
`).Warnings.Strings()
	if last := warnings[len(warnings)-1]; len(warnings) != maxWarnings+1 || last != "9 more warnings are left out" {
		t.Errorf("%d warnings, the last is %q", len(warnings), last)
	}
}

// maxWarnings is how many an apply reports.
const maxWarnings = 200

func TestManyObjectsWithOneInertFieldMakeOneWarning(t *testing.T) {
	s := open(t, config(t, "", catalog))
	var files []string
	for _, name := range []string{"web", "api", "db"} {
		files = append(files, strings.ReplaceAll(`apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      hostNetwork: true
      containers:
      - {name: a, image: "a:v1", resources: {limits: {cpu: 1}}}
      - {name: b, image: "b:v1", resources: {limits: {cpu: 1}}}
`, "NAME", name))
	}
	want := []string{
		"f.yaml:9:20: spec.template.spec.hostNetwork: has no effect here, where every instance runs on this machine (and in 2 more places)",
		"f.yaml:11:60: spec.template.spec.containers[0].resources.limits[cpu]: is not enforced here; a container may use every processor of this machine (and in 5 more places)",
	}
	if diff := cmp.Diff(want, apply(t, s, strings.Join(files, "---\n")).Warnings.Strings()); diff != "" {
		t.Error(diff)
	}
}
