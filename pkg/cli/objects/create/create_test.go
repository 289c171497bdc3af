package create_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The manifests are those that kubectl create KIND --dry-run=client -o yaml writes (kubectl 1.37), without the empty fields.
func TestAGeneratorWritesTheManifestThatKubectlWrites(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.txt", "hello\n")
	write(t, "dir/b.bin", "\xff\xfe")
	write(t, "e.env", "\ufeffA=1\n# comment\n\n B=x=y\nFROM_ENV\nNOT_SET\n")
	for line, want := range map[string]string{
		"configmap c --from-literal=k=v=w --from-file=a.txt --from-file=other=a.txt --from-file=dir": `
apiVersion: v1
kind: ConfigMap
metadata:
  name: c
data:
  a.txt: |
    hello
  k: v=w
  other: |
    hello
binaryData:
  b.bin: //4=
`,
		"cm c --from-env-file e.env": `
apiVersion: v1
kind: ConfigMap
metadata:
  name: c
data:
  A: "1"
  B: x=y
  FROM_ENV: yes indeed
`,
		"secret generic s --from-literal=password=s3cret --type=example.com/t": `
apiVersion: v1
kind: Secret
metadata:
  name: s
data:
  password: czNjcmV0
type: example.com/t
`,
		"secret docker-registry r --docker-server=ghcr.io --docker-username=me --docker-password=x": `
apiVersion: v1
kind: Secret
metadata:
  name: r
data:
  .dockerconfigjson: eyJhdXRocyI6eyJnaGNyLmlvIjp7ImF1dGgiOiJiV1U2ZUE9PSIsInBhc3N3b3JkIjoieCIsInVzZXJuYW1lIjoibWUifX19
type: kubernetes.io/dockerconfigjson
`,
		"namespace stage": "\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: stage\nspec: {}\n",
		"sa bot -n other": "\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: bot\n  namespace: other\n",
		"deploy web --image=ghcr.io/x/my_web:v1 --image=x/my_web@sha256:0 --port=80 --replicas=2": `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app: web
spec:
  replicas: 2
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: my-web
          image: ghcr.io/x/my_web:v1
          ports:
            - containerPort: 80
        - name: my-web-2
          image: x/my_web@sha256:0
`,
		"service clusterip web --tcp=80:http --tcp=90": `
apiVersion: v1
kind: Service
metadata:
  name: web
  labels:
    app: web
spec:
  ports:
    - name: 80-http
      protocol: TCP
      port: 80
      targetPort: http
    - name: "90"
      protocol: TCP
      port: 90
      targetPort: 90
  selector:
    app: web
  type: ClusterIP
`,
	} {
		w := clitest.NewWorld(t)
		w.Env["FROM_ENV"] = "yes indeed"
		w.Want(cmdutil.ExitOK, append(append([]string{"create"}, strings.Fields(line)...), "--dry-run=client", "-o", "yaml")...)
		clitest.WantEqual(t, "\n"+w.Out.String(), want)
	}
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitOK, "create", "deployment", "web", "--image", "web", "--dry-run=client", "-o", "json", "--", "sleep", "--help")
	w.WantOut(`"command": [`, `"sleep",`, `"--help"`)
	w.Want(cmdutil.ExitOK, "create", "ns", "n", "--dry-run=client")
	clitest.WantEqual(t, w.Out.String(), "namespace/n created (client dry run)\n")
}

func TestWhatAGeneratorCannotReadIsAUsageError(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.txt", "hello\n")
	write(t, "bad.env", "1A=b\n")
	write(t, "dir/b", "")
	for line, want := range map[string]string{
		"configmap":                     "exactly one NAME is required, got 0",
		"configmap a b":                 "exactly one NAME is required, got 2",
		"configmap c --from-literal a":  "invalid literal source a, expected key=value",
		"configmap c --from-literal =a": "invalid literal source =a",
		"configmap c --from-literal a=1 --from-literal a=2":   `cannot add key "a", another key by that name already exists`,
		"configmap c --from-literal a/b=1":                    "is not a valid key name",
		"configmap c --from-file nosuch":                      "no such file",
		"configmap c --from-file =a.txt":                      "key name for file path a.txt missing",
		"configmap c --from-file k=":                          "file path for key name k missing",
		"configmap c --from-file a=b=c":                       "key names or file paths cannot contain '='",
		"configmap c --from-file k=dir":                       "cannot give a key name for a directory path",
		"configmap c --from-env-file bad.env":                 `bad.env:1: "1A" is not a valid key name`,
		"configmap c --from-env-file bad.env --from-file dir": "cannot be combined",
		"secret tls s --cert a.txt":                           "--cert and --key must be specified",
		"secret tls s --cert a.txt --key a.txt":               "read a.txt and a.txt",
		"secret docker-registry s":                            "either --from-file or the combination of",
		"deployment d":                                        `required flag(s) "image" not set`,
		"deployment d --image a --image b -- sleep":           "cannot specify multiple --image options and command",
		"service clusterip s":                                 "at least one tcp port specifier must be provided",
		"service clusterip s --tcp x":                         "want PORT[:TARGET]",
		"service clusterip s --tcp 80:70000":                  "want a target port",
		"service externalname s":                              `required flag(s) "external-name" not set`,
		"namespace Bad --dry-run=client":                      `"Bad" is not valid`,
		"job x":                                               `kind "job" is not supported`,
		"virtualservice x":                                    "write a manifest",
		"frobnicate x":                                        `unknown command "shopctl create frobnicate"`,
		"":                                                    "missing flag: -f",
	} {
		w := clitest.NewWorld(t)
		w.Want(cmdutil.ExitUsage, append([]string{"create"}, strings.Fields(line)...)...)
		w.WantErr(want)
	}
}

func created(action string) *clitest.FakeShop {
	return &clitest.FakeShop{
		Current: clitest.ThreeServices(), Objects: clitest.SomeObjects(),
		Applied: &controlpb.ApplyResponse{Objects: []*controlpb.AppliedObject{{Object: clitest.Deployment("web", 1, 1), Action: action}}},
	}
}

func TestCreateAndReplaceSayWhatTheyExpectOfTheShop(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "web.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, resourceVersion: '7'}\n")
	for line, c := range map[string]struct {
		create, existing, unchanged bool
		out                         string
	}{
		"create -f web.yaml":                  {true, false, false, "deployment.apps/web created\n"},
		"create -f web.yaml --dry-run=server": {true, false, false, "deployment.apps/web created (server dry run)\n"},
		"create cm web":                       {true, false, false, "deployment.apps/web created\n"},
		"replace -f web.yaml":                 {false, true, true, "deployment.apps/web replaced\n"},
	} {
		shop := created("unchanged")
		w := clitest.NewWorld(t).Serve(shop)
		w.Want(cmdutil.ExitOK, strings.Fields(line)...)
		clitest.WantEqual(t, w.Out.String(), c.out)
		if got := shop.Applies[0]; got.GetCreate() != c.create || got.GetExisting() != c.existing || got.GetUnchanged() != c.unchanged || !got.GetReplace() {
			t.Errorf("%s: sent %v", line, got)
		}
	}
	shop := created("created")
	shop.Fail = control.Error(codes.AlreadyExists, "configmap/web already exists", "shopctl get configmap/web -o yaml", 1)
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitFailed, "create", "-f", "web.yaml")
	w.WantErr("configmap/web already exists")
}

func TestSaveConfigKeepsTheObjectForApply(t *testing.T) {
	shop := created("created")
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "create", "cm", "web", "--from-literal", "a=b", "--save-config")
	var m struct {
		Metadata struct{ Annotations map[string]string }
	}
	if err := json.Unmarshal(shop.Applies[0].GetFiles()[0].GetContent(), &m); err != nil {
		t.Fatal(err)
	}
	if kept := m.Metadata.Annotations["kubectl.kubernetes.io/last-applied-configuration"]; !strings.Contains(kept, `"data":{"a":"b"}`) {
		t.Errorf("kept %q", kept)
	}
}

func TestForceDeletesBeforeItCreates(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "web.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cartservice, resourceVersion: '7'}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}\n")
	shop := created("created")
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "replace", "--force", "-f", "web.yaml")
	clitest.WantEqual(t, w.Out.String(), "deployment.apps/cartservice deleted\ndeployment.apps/web replaced\n")
	if n := len(shop.Applies); n != 2 || !shop.Applies[0].GetDryRun() || shop.Applies[1].GetDryRun() || !shop.Applies[1].GetCreate() || len(shop.Deletes) != 1 {
		t.Errorf("%d changes and %d deletions: %v", n, len(shop.Deletes), shop.Applies)
	}
	w.Want(cmdutil.ExitUsage, "replace", "--force", "-f", "web.yaml", "--dry-run=server")
	w.WantErr("--dry-run cannot be used when --force is set")
}

func TestExposeMakesTheServiceThatKubectlMakes(t *testing.T) {
	for line, want := range map[string]string{
		"deployment cartservice --port=80 --target-port=grpc": `{"ports":[{"port":80,"targetPort":"grpc"}],"selector":{"app":"cartservice"}}`,
		"deploy/cartservice": `{"ports":[{"port":8080,"targetPort":8080}],"selector":{"app":"cartservice"}}`,
		"svc/cartservice --service-name other --type NodePort":                   `{"ports":[{"port":7070,"targetPort":7070}],"selector":{"app":"cartservice"},"type":"NodePort"}`,
		"deploy cartservice --cluster-ip=None --selector=a=b,c=d --protocol udp": `{"ports":[{"protocol":"UDP","port":8080,"targetPort":8080}],"selector":{"a":"b","c":"d"},"clusterIP":"None"}`,
	} {
		shop := created("created")
		w := clitest.NewWorld(t).Serve(shop)
		w.Want(cmdutil.ExitOK, append([]string{"expose"}, strings.Fields(line)...)...)
		clitest.WantEqual(t, w.Out.String(), "deployment.apps/web exposed\n")
		var s struct {
			Metadata struct{ Name, Namespace string }
			Spec     json.RawMessage
		}
		if err := json.Unmarshal(shop.Applies[0].GetFiles()[0].GetContent(), &s); err != nil {
			t.Fatal(err)
		}
		clitest.WantEqual(t, string(s.Spec), want)
		if name := map[bool]string{true: "other", false: "cartservice"}[strings.Contains(line, "other")]; s.Metadata.Name != name || s.Metadata.Namespace != "production" {
			t.Errorf("%s: made %v", line, s.Metadata)
		}
	}
}

func TestWhatCannotBeExposedIsAUsageError(t *testing.T) {
	w := clitest.NewWorld(t).Serve(created("created"))
	for line, want := range map[string]string{
		"expose cm colors":                          "cannot expose a ConfigMap",
		"expose deploy":                             "missing argument: the name of a deployment",
		"expose deploy cartservice --port 0":        "want 1 to 65535",
		"expose deploy cartservice --target-port 0": `read --target-port "0"`,
	} {
		w.Want(cmdutil.ExitUsage, strings.Fields(line)...)
		w.WantErr(want)
	}
	w.Want(cmdutil.ExitNotRunning, "expose", "deploy", "cartservice", "--name", "web")
	w.WantErr("--service-name web names the Service; --name is the shop's")
}
