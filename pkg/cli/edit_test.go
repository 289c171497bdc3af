package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

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
			shop := &fakeShop{status: threeServices(), objects: []*controlpb.Object{object("v1", "Namespace", "other", nil)}}
			shop.status.Services = append(shop.status.Services, &controlpb.Service{Name: "other/cartservice", Workload: "cartservice", Namespace: "other"})
			w := newWorld(t).serve(shop)
			w.want(exitOK, c.args...)
			if d := cmp.Diff(c.want, shop.edits[0], protocmp.Transform()); d != "" {
				t.Errorf("edit (-want +got):\n%s", d)
			}
			if w.out.String() != c.out {
				t.Errorf("printed %q, want %q", w.out.String(), c.out)
			}
		})
	}
}

func TestAVerbShowsTheObjectThatItMakes(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: threeServices()})
	w.want(exitOK, "scale", "cart", "--replicas", "3", "--dry-run", "-o", "yaml")
	w.wantOut("kind: Deployment\n", "  replicas: 3\n")
}

func TestBadArgumentsOfVerbsChangeNothing(t *testing.T) {
	shop := &fakeShop{status: threeServices()}
	w := newWorld(t).serve(shop)
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
		w.want(exitUsage, args...)
		w.wantErr("shopctl: error: ", "shopctl: hint: ")
	}
	if len(shop.edits) > 0 {
		t.Errorf("edited: %v", shop.edits)
	}
}

func TestWaitReturnsWhenTheRolloutIsDone(t *testing.T) {
	shop := &fakeShop{status: threeServices(), objects: []*controlpb.Object{deployment("cartservice", 3, 3)}}
	w := newWorld(t).serve(shop)
	w.want(exitOK, "scale", "cart", "--replicas", "3", "--wait")
}

func TestWaitTimesOutWithExitFour(t *testing.T) {
	shop := &fakeShop{status: threeServices(), objects: []*controlpb.Object{deployment("cartservice", 3, 1)}}
	w := newWorld(t).serve(shop)
	w.want(exitInconclusive, "scale", "cart", "--replicas", "3", "--wait", "--timeout", "20ms")
	w.wantErr("not done after 20ms", "hint: shopctl ps --instances")
}

func TestWaitFailsForAServiceThatCrashesAgainAndAgain(t *testing.T) {
	shop := &fakeShop{status: threeServices(), objects: []*controlpb.Object{deployment("paymentservice", 1, 0)}}
	w := newWorld(t).serve(shop)
	w.want(exitFailed, "start", "payment", "--wait")
	w.wantErr("start payment: exit status 2: listen tcp: address already in use", "hint: shopctl logs --tail 20 payment")
}

func TestWaitFailsAtOnceForWhatCannotStart(t *testing.T) {
	shop := &fakeShop{status: threeServices(), objects: []*controlpb.Object{deployment("app-blue", 3, 0)}}
	shop.status.Services = append(shop.status.Services, &controlpb.Service{
		Name: "app-blue", Workload: "app-blue", Namespace: "production", State: "unhealthy", Replicas: 3, Message: `image "myapp:v1" is no built-in service`,
	})
	w := newWorld(t).serve(shop)
	w.want(exitFailed, "restart", "app-blue", "--wait")
	w.wantErr(`start app-blue: image "myapp:v1" is no built-in service`, "hint: shopctl describe deployment app-blue")
}

const manifest = `apiVersion: v1
kind: ConfigMap
metadata:
  name: colours
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
	shop := &fakeShop{status: threeServices(), applied: &controlpb.ApplyResponse{
		Objects:  []*controlpb.AppliedObject{{Object: object("v1", "ConfigMap", "colours", nil), Action: "created"}},
		Warnings: []string{"b.yaml:3:1: selector matches nothing"},
	}}
	w := newWorld(t).serve(shop)
	w.want(exitOK, "apply", "-f", dir, "-f", "-", "--dry-run=server")
	var names []string
	for _, f := range shop.applies[0].GetFiles() {
		names = append(names, filepath.Base(f.GetName()))
	}
	if d := cmp.Diff([]string{"a.yml", "b.yaml", "c.json", "stdin"}, names); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	if !shop.applies[0].GetDryRun() {
		t.Error("the dry run was not dry")
	}
	w.wantOut("configmap/colours created (server dry run)\n")
	w.wantErr("shopctl: warning: b.yaml:3:1: selector matches nothing\n")
}

func TestApplyShowsEveryProblemOfTheFiles(t *testing.T) {
	text := "a.yaml:3:5: spec.replcas: unknown field\na.yaml:9:1: kind: Deploymnt"
	shop := &fakeShop{status: threeServices(), fail: control.Error(codes.InvalidArgument, text, "did you mean replicas?", 0)}
	path := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(path, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t).serve(shop)
	w.want(exitUsage, "apply", "-f", path)
	want := "shopctl: error: a.yaml:3:5: spec.replcas: unknown field\nshopctl: error: a.yaml:9:1: kind: Deploymnt\nshopctl: hint: did you mean replicas?\n"
	if got := w.err.String(); got != want {
		t.Errorf("stderr is %q, want %q", got, want)
	}
}

func TestApplyOfNothingIsAUsageError(t *testing.T) {
	w := newWorld(t)
	w.want(exitUsage, "apply")
	w.wantErr("missing flag: -f")
	w.want(exitUsage, "apply", "-f", filepath.Join(t.TempDir(), "missing.yaml"))
	w.wantErr("read manifest: stat ")
	w.want(exitUsage, "apply", "-f", t.TempDir())
	w.wantErr("no manifests in ")
	w.want(exitUsage, "apply", "-f", "-", "--dry-run=maybe")
	w.wantErr("must be one of none, client, server")
}

func TestTheClientsDryRunNeedsNoShop(t *testing.T) {
	w := newWorld(t)
	w.f.IO.In = strings.NewReader(manifest)
	w.want(exitOK, "apply", "-f", "-", "--dry-run")
	wantEqual(t, w.out.String(), "configmap/colours created (client dry run)\n")

	w.f.IO.In = strings.NewReader(strings.Replace(manifest, "\ndata:", "\ndta:", 1))
	w.want(exitUsage, "apply", "-f", "-", "--dry-run=client")
	w.wantErr("shopctl: error: stdin:5:1: ", "dta", "data")

	w.want(exitNotRunning, "apply", "-f", "-", "--dry-run=server")
}

func TestWhatADryRunPrintsCanBeApplied(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: threeServices()})
	w.want(exitOK, "scale", "cart", "--replicas", "3", "--dry-run", "-o", "yaml")
	made := w.out.String()
	if strings.Contains(made, "creationTimestamp") || strings.Contains(made, "status:") {
		t.Errorf("the manifest holds what only the shop sets:\n%s", made)
	}
	w.f.IO.In = strings.NewReader(made)
	w.want(exitOK, "apply", "-f", "-", "--dry-run=client")
	wantEqual(t, w.out.String(), "deployment.apps/cartservice configured (client dry run)\n")
}

func wantEqual(t *testing.T, got, want string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestDiffShowsWhatApplyWouldChangeAndExitsWithOne(t *testing.T) {
	before, after := deployment("cartservice", 1, 1), deployment("cartservice", 3, 1)
	shop := &fakeShop{status: threeServices(), applied: &controlpb.ApplyResponse{
		Objects: []*controlpb.AppliedObject{{Object: after, Action: "configured", BeforeJson: before.GetJson()}},
	}}
	w := newWorld(t).serve(shop)
	w.want(exitFailed, "diff", "-f", "-")
	w.wantOut("--- live/deployment/cartservice\n+++ new/deployment/cartservice\n", "-  replicas: 1\n+  replicas: 3\n")
	if w.err.Len() > 0 {
		t.Errorf("stderr: %s", w.err.String())
	}
	shop.applied.Objects[0].BeforeJson = after.GetJson()
	w.want(exitOK, "diff", "-f", "-")
	if w.out.Len() > 0 {
		t.Errorf("printed %q for no change", w.out.String())
	}
}

func TestDeleteTakesAKindWithNamesOrFiles(t *testing.T) {
	shop := &fakeShop{status: threeServices(), objects: someObjects()}
	w := newWorld(t).serve(shop)
	w.want(exitOK, "delete", "deploy/cartservice")
	if d := cmp.Diff(&controlpb.DeleteRequest{Kind: "Deployment", Names: []string{"cartservice"}}, shop.deletes[0], protocmp.Transform()); d != "" {
		t.Errorf("delete (-want +got):\n%s", d)
	}
	w.wantOut("deployment.apps/cartservice deleted\n")
	w.want(exitUsage, "delete")
	w.want(exitUsage, "delete", "deployments")
	w.want(exitUsage, "delete", "deployments", "x", "-f", "-")
	if len(shop.deletes) != 1 {
		t.Errorf("bad lines deleted: %v", shop.deletes[1:])
	}
}
