package objects_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestVerbsEditTheDeploymentOfTheService(t *testing.T) {
	workload := []string{"production/cartservice"}
	for line, c := range map[string]struct {
		args []string
		want *controlpb.EditRequest
		out  string
	}{
		"scale":   {[]string{"scale", "cart", "--replicas", "3"}, &controlpb.EditRequest{Services: workload, Operation: &controlpb.EditRequest_Replicas{Replicas: 3}}, "deployment.apps/cartservice scaled\n"},
		"restart": {[]string{"restart", "cart"}, &controlpb.EditRequest{Services: workload, Operation: &controlpb.EditRequest_Restart{Restart: true}}, "deployment.apps/cartservice restarted\n"},
		"stop":    {[]string{"stop", "cartservice", "-n", "other"}, &controlpb.EditRequest{Services: []string{"other/cartservice"}, Operation: &controlpb.EditRequest_Stop{Stop: true}}, "deployment.apps/cartservice stopped\n"},
		"start":   {[]string{"start", "cart", "--dry-run"}, &controlpb.EditRequest{Services: workload, DryRun: true, Operation: &controlpb.EditRequest_Start{Start: true}}, "deployment.apps/cartservice started (server dry run)\n"},
		"set env": {[]string{"set", "env", "cart", "A=b=c", "OLD-"}, &controlpb.EditRequest{Services: workload, Operation: &controlpb.EditRequest_SetEnv{SetEnv: &controlpb.SetEnv{Set: map[string]string{"A": "b=c"}, Unset: []string{"OLD"}}}}, "deployment.apps/cartservice env updated\n"},
	} {
		t.Run(line, func(t *testing.T) {
			shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Objects: []*controlpb.Object{clitest.Object("v1", "Namespace", "other", nil)}}
			shop.Current.Services = append(shop.Current.Services, &controlpb.Service{Name: "other/cartservice", Workload: "cartservice", Namespace: "other"})
			w := clitest.NewWorld(t).Serve(shop)
			w.Want(cmdutil.ExitOK, c.args...)
			if d := cmp.Diff(c.want, shop.Edits[0], protocmp.Transform()); d != "" {
				t.Errorf("edit (-want +got):\n%s", d)
			}
			if w.Out.String() != c.out {
				t.Errorf("printed %q, want %q", w.Out.String(), c.out)
			}
		})
	}
}

func TestAVerbShowsTheObjectThatItMakes(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices()})
	w.Want(cmdutil.ExitOK, "scale", "cart", "--replicas", "3", "--dry-run", "-o", "yaml")
	w.WantOut("kind: Deployment\n", "  replicas: 3\n")
}

func TestBadArgumentsOfVerbsChangeNothing(t *testing.T) {
	shop := &clitest.FakeShop{Current: clitest.ThreeServices()}
	w := clitest.NewWorld(t).Serve(shop)
	for _, args := range [][]string{
		{"scale", "cart"},
		{"scale"},
		{"scale", "cart", "--replicas", "-1"},
		{"scale", "cart", "--replicas", "1000"},
		{"scale", "cart", "--replicas", "many"},
		{"set", "env", "cart", "NOVALUE"},
		{"set", "env", "cart", "1A=b"},
		{"set", "en"},
		{"restart"},
		{"restart", "cart", "nobody"},
		{"restart", "cart", "-n", "nowhere"},
	} {
		w.Want(cmdutil.ExitUsage, args...)
		w.WantErr("shopctl: error: ", "shopctl: hint: ")
	}
	if len(shop.Edits) > 0 {
		t.Errorf("edited: %v", shop.Edits)
	}
}

func TestWaitReturnsWhenTheRolloutIsDone(t *testing.T) {
	shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Objects: []*controlpb.Object{clitest.Deployment("cartservice", 3, 3)}}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "scale", "cart", "--replicas", "3", "--wait")
}

func TestWaitDoesNotTrustAStatusFromBeforeACrash(t *testing.T) {
	shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Objects: []*controlpb.Object{clitest.Deployment("cartservice", 1, 1)}}
	for _, s := range shop.Current.GetServices() {
		if s.GetWorkload() == "cartservice" {
			s.Replicas, s.Ready = 1, 0
		}
	}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitInconclusive, "start", "cart", "--wait", "--timeout", "20ms")
	w.WantErr("not done after 20ms")
}

func TestWaitTimesOutWithExitFour(t *testing.T) {
	shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Objects: []*controlpb.Object{clitest.Deployment("cartservice", 3, 1)}}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitInconclusive, "scale", "cart", "--replicas", "3", "--wait", "--timeout", "20ms")
	w.WantErr("not done after 20ms", "hint: shopctl ps --instances")
}

func TestWaitFailsForAServiceThatCrashesAgainAndAgain(t *testing.T) {
	shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Objects: []*controlpb.Object{clitest.Deployment("paymentservice", 1, 0)}}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitFailed, "start", "payment", "--wait")
	w.WantErr("start payment: exit status 2: listen tcp: address already in use", "hint: shopctl logs --tail 20 payment")
}

func TestWaitFailsAtOnceForWhatCannotStart(t *testing.T) {
	shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Objects: []*controlpb.Object{clitest.Deployment("app-blue", 3, 0)}}
	shop.Current.Services = append(shop.Current.Services, &controlpb.Service{
		Name: "app-blue", Workload: "app-blue", Namespace: "production", State: "unhealthy", Replicas: 3, Message: `image "myapp:v1" is not a built-in service`,
	})
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitFailed, "restart", "app-blue", "--wait")
	w.WantErr(`start app-blue: image "myapp:v1" is not a built-in service`, "hint: shopctl describe deployment app-blue")
}

func TestWaitNamesThePodThatIsNotReadyAndWhy(t *testing.T) {
	late := clitest.Deployment("web", 1, 0)
	shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Objects: []*controlpb.Object{late}}
	shop.Current.Services = append(shop.Current.Services, &controlpb.Service{
		Name: "web", Workload: "web", Namespace: "production", State: "starting", Message: "readiness probe: HTTP 503", Replicas: 1,
		Instances: []*controlpb.Instance{{Name: "web-7d9f-x2k4q", State: "starting", Message: "readiness probe: HTTP 503"}},
	})
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitInconclusive, "restart", "web", "--wait", "--timeout", "1s")
	w.WantErr("not done after 1s: web: pod web-7d9f-x2k4q: readiness probe: HTTP 503")

	late.Json = clitest.Object("apps/v1", "Deployment", "web", map[string]any{
		"spec": map[string]any{"replicas": 1, "progressDeadlineSeconds": 2},
		"status": map[string]any{"conditions": []any{map[string]any{
			"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
		}}},
	}).GetJson()
	w.Want(cmdutil.ExitFailed, "restart", "web", "--wait")
	w.WantErr("roll out web: it exceeded its progress deadline (progressDeadlineSeconds): web: pod web-7d9f-x2k4q: readiness probe: HTTP 503", "hint: shopctl describe deployment web")
}

const manifest = `apiVersion: v1
kind: ConfigMap
metadata:
  name: colors
data:
  cart: blue
`

func TestApplySendsFilesDirectoriesAndStandardInput(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.yaml", "a.yml", "notes.txt", "c.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(manifest), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Applied: &controlpb.ApplyResponse{
		Objects:  []*controlpb.AppliedObject{{Object: clitest.Object("v1", "ConfigMap", "colors", nil), Action: "created"}},
		Warnings: []string{"b.yaml:3:1: selector matches nothing"},
	}}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "apply", "-f", dir, "-f", "-", "--dry-run=server")
	var names []string
	for _, f := range shop.Applies[0].GetFiles() {
		names = append(names, filepath.Base(f.GetName()))
	}
	if d := cmp.Diff([]string{"a.yml", "b.yaml", "c.json", "stdin"}, names); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	if !shop.Applies[0].GetDryRun() {
		t.Error("the dry run was not dry")
	}
	w.WantOut("configmap/colors created (server dry run)\n")
	w.WantErr("shopctl: warning: b.yaml:3:1: selector matches nothing\n")
}

func TestApplyShowsEveryProblemOfTheFiles(t *testing.T) {
	text := "a.yaml:3:5: spec.replcas: unknown field\na.yaml:9:1: kind: Deploymnt"
	shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Fail: control.Error(codes.InvalidArgument, text, "did you mean replicas?", 0)}
	path := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(path, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitUsage, "apply", "-f", path)
	want := "shopctl: error: a.yaml:3:5: spec.replcas: unknown field\nshopctl: error: a.yaml:9:1: kind: Deploymnt\nshopctl: hint: did you mean replicas?\n"
	if got := w.Err.String(); got != want {
		t.Errorf("stderr is %q, want %q", got, want)
	}
}

func TestApplyOfNothingIsAUsageError(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitUsage, "apply")
	w.WantErr("missing flag: -f")
	w.Want(cmdutil.ExitUsage, "apply", "-f", filepath.Join(t.TempDir(), "missing.yaml"))
	w.WantErr("read manifest: stat ")
	w.Want(cmdutil.ExitUsage, "apply", "-f", t.TempDir())
	w.WantErr("no manifests in ")
	w.Want(cmdutil.ExitUsage, "apply", "-f", "-", "--dry-run=maybe")
	w.WantErr("must be one of none, client, server")
}

func TestTheClientsDryRunNeedsNoShop(t *testing.T) {
	w := clitest.NewWorld(t)
	w.F.IO.In = strings.NewReader(manifest)
	w.Want(cmdutil.ExitOK, "apply", "-f", "-", "--dry-run")
	clitest.WantEqual(t, w.Out.String(), "configmap/colors created (client dry run)\n")

	w.F.IO.In = strings.NewReader(strings.Replace(manifest, "\ndata:", "\ndta:", 1))
	w.Want(cmdutil.ExitUsage, "apply", "-f", "-", "--dry-run=client")
	w.WantErr("shopctl: error: stdin:5:1: ", "dta", "data")

	w.Want(cmdutil.ExitNotRunning, "apply", "-f", "-", "--dry-run=server")
}

func TestWhatADryRunPrintsCanBeApplied(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices()})
	w.Want(cmdutil.ExitOK, "scale", "cart", "--replicas", "3", "--dry-run", "-o", "yaml")
	made := w.Out.String()
	if strings.Contains(made, "creationTimestamp") || strings.Contains(made, "status:") {
		t.Errorf("the manifest holds what only the shop sets:\n%s", made)
	}
	w.F.IO.In = strings.NewReader(made)
	w.Want(cmdutil.ExitOK, "apply", "-f", "-", "--dry-run=client")
	clitest.WantEqual(t, w.Out.String(), "deployment.apps/cartservice configured (client dry run)\n")
}

func TestDiffShowsWhatApplyWouldChangeAndExitsWithOne(t *testing.T) {
	before, after := clitest.Deployment("cartservice", 1, 1), clitest.Deployment("cartservice", 3, 1)
	shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Applied: &controlpb.ApplyResponse{
		Objects: []*controlpb.AppliedObject{{Object: after, Action: "configured", BeforeJson: before.GetJson()}},
	}}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitFailed, "diff", "-f", "-")
	w.WantOut("--- live/deployment/cartservice\n+++ new/deployment/cartservice\n", "-  replicas: 1\n+  replicas: 3\n")
	if w.Err.Len() > 0 {
		t.Errorf("stderr: %s", w.Err.String())
	}
	shop.Applied.Objects[0].BeforeJson = after.GetJson()
	w.Want(cmdutil.ExitOK, "diff", "-f", "-")
	if w.Out.Len() > 0 {
		t.Errorf("printed %q for no change", w.Out.String())
	}
}

func TestDeleteTakesAKindWithNamesOrFiles(t *testing.T) {
	shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Objects: clitest.SomeObjects()}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "delete", "deploy/cartservice")
	if d := cmp.Diff(&controlpb.DeleteRequest{Kind: "Deployment", Names: []string{"cartservice"}}, shop.Deletes[0], protocmp.Transform()); d != "" {
		t.Errorf("delete (-want +got):\n%s", d)
	}
	w.WantOut("deployment.apps/cartservice deleted\n")
	w.Want(cmdutil.ExitUsage, "delete")
	w.Want(cmdutil.ExitUsage, "delete", "deployments")
	w.Want(cmdutil.ExitUsage, "delete", "deployments", "x", "-f", "-")
	if len(shop.Deletes) != 1 {
		t.Errorf("bad lines deleted: %v", shop.Deletes[1:])
	}
}

func TestGetOfWhatIsNotThereIsAnErrorWithAHint(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices(), Objects: clitest.SomeObjects()})
	w.Want(cmdutil.ExitUsage, "get", "deployment", "nope")
	w.WantErr(`shopctl: error: deployment "nope" not found`, "shopctl: hint: shopctl get deployments")
	w.Want(cmdutil.ExitUsage, "get", "deplyments")
	w.WantErr(`kind "deplyments" is not supported`)
}
