package daemon

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/workload"
)

func TestAProgramOfTheLearnersIsAnInstanceLikeAnyOther(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var mapped atomic.Bool
	c := open(t, home(t), func(cfg *Config) {
		cfg.Only = []string{"currency"}
		cfg.Images = func() workload.Images {
			if !mapped.Load() {
				return workload.Images{}
			}
			return workload.Images{Commands: map[string][]string{"hello": {self, "hello"}}}
		}
	})
	apply := func(greeting string) *controlpb.ApplyResponse {
		resp, err := c.Apply(t.Context(), &controlpb.ApplyRequest{Files: []*controlpb.File{{Name: "hello.yaml", Content: fmt.Appendf(nil, hello, greeting)}}})
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	resp := apply("one")
	if len(resp.GetWarnings()) != 1 || !strings.Contains(resp.GetWarnings()[0], `hello.yaml:17:16: spec.template.spec.containers[0].image: image "example/hello:v1" is not a built-in service; map it in shopctl.yaml`) {
		t.Errorf("warnings %q", resp.GetWarnings())
	}
	await(t, c, "the image is unknown", func(st *controlpb.StatusResponse) bool {
		s := find(st, "hello")
		return s.GetState() == "unhealthy" && strings.Contains(s.GetMessage(), "is not a built-in service")
	})
	mapped.Store(true)
	before := ""
	for _, greeting := range []string{"two", "three"} {
		apply(greeting)
		if before != "" { // what a ConfigMap holds is read at the start
			edit(t, c, &controlpb.EditRequest{Services: []string{"hello"}, Operation: &controlpb.EditRequest_Restart{Restart: true}})
		}
		st := await(t, c, "it is rolled out", func(st *controlpb.StatusResponse) bool {
			hello := find(st, "hello")
			return hello.GetState() == "ok" && len(hello.GetInstances()) == 1 && hello.GetInstances()[0].GetName() != before
		})
		before = find(st, "hello").GetInstances()[0].GetName()
		conn, err := net.Dial("tcp", find(st, "hello").GetAddress())
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(conn)
		conn.Close()
		if err != nil || string(said) != greeting {
			t.Errorf("it says %q %v, want %q", said, err, greeting)
		}
	}
	if _, err := c.Delete(t.Context(), &controlpb.DeleteRequest{Kind: "deployment", Names: []string{"hello"}}); err != nil {
		t.Fatal(err)
	}
	await(t, c, "it is gone", func(st *controlpb.StatusResponse) bool { return find(st, "hello").GetName() == "" })
}

func TestMistakesInAManifestAreReportedWithTheirPlaceAndChangeNothing(t *testing.T) {
	c := open(t, home(t), only("currency"))
	_, err := c.Apply(t.Context(), &controlpb.ApplyRequest{Files: []*controlpb.File{
		{Name: "good.yaml", Content: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n")},
		{Name: "bad.yaml", Content: []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: x\nspec:\n  replica: 3\n")},
	}})
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "bad.yaml:6:3") {
		t.Errorf("apply: %v", err)
	}
	_, err = c.Get(t.Context(), &controlpb.GetRequest{Kind: "configmap", Names: []string{"good"}})
	if status.Code(err) != codes.NotFound {
		t.Errorf("the good half was stored: %v", err)
	}
}

func TestANamespaceThatIsNotThereIsNotTakenForAnEmptyOne(t *testing.T) {
	c := open(t, home(t), only("currency"))
	_, err := c.Get(t.Context(), &controlpb.GetRequest{Kind: "deployments", Namespace: "prodction"})
	hint, exit, _ := control.HintOf(err)
	if status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), `did you mean "production"`) || hint != "shopctl get namespaces" || exit != 2 {
		t.Errorf("%v, hint %q, exit %d", err, hint, exit)
	}
	if _, err := c.Get(t.Context(), &controlpb.GetRequest{Kind: "deployments", Namespace: "*"}); err != nil {
		t.Errorf("all namespaces: %v", err)
	}
}

func TestTheStateDirectoryKeepsWhatWasChanged(t *testing.T) {
	vars := home(t)
	t.Run("first", func(t *testing.T) {
		c := open(t, vars, only("currency"))
		edit(t, c, &controlpb.EditRequest{Services: []string{"currency"}, Operation: &controlpb.EditRequest_Replicas{Replicas: 2}})
	})
	if _, err := os.Stat(filepath.Join(vars["SHOPCTL_RUN_DIR"], "default")); !os.IsNotExist(err) {
		t.Errorf("the run directory is left behind: %v", err)
	}
	t.Run("second", func(t *testing.T) {
		c := open(t, vars, only("currency"))
		await(t, c, "two run", func(st *controlpb.StatusResponse) bool { return find(st, "currency").GetReady() == 2 })
	})
}

func TestReplacingAnObjectTakesAwayWhatWasSetBesideItsManifest(t *testing.T) {
	c := open(t, home(t), only("currency"))
	get := func() (text, spec string) {
		resp, err := c.Get(t.Context(), &controlpb.GetRequest{Kind: "Deployment", Names: []string{"currencyservice"}})
		if err != nil {
			t.Fatal(err)
		}
		text = string(resp.GetObjects()[0].GetJson())
		var o struct {
			Metadata struct{ Annotations map[string]string }
			Spec     any
		}
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			t.Fatal(err)
		}
		return text, fmt.Sprint(o.Metadata.Annotations, o.Spec)
	}
	before, wants := get()
	edit(t, c, &controlpb.EditRequest{
		Services:  []string{"currency"},
		Operation: &controlpb.EditRequest_SetEnv{SetEnv: &controlpb.SetEnv{Set: map[string]string{"OTEL_PROPAGATORS": "none"}}},
	})
	req := &controlpb.ApplyRequest{Files: []*controlpb.File{{Name: "before.json", Content: []byte(before)}}}
	if _, err := c.Apply(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if text, _ := get(); !strings.Contains(text, "OTEL_PROPAGATORS") {
		t.Error("applying a manifest takes away what it does not speak of")
	}
	req.Replace = true
	if resp, err := c.Apply(t.Context(), req); err != nil || len(resp.GetObjects()) != 1 {
		t.Fatalf("replace: %v, %v", resp, err)
	}
	if _, is := get(); is != wants {
		t.Errorf("the Deployment is\n%s\nand was\n%s", is, wants)
	}
	req.DryRun = true
	req.Files[0].Content = []byte(strings.Replace(before, `"replicas":1`, `"replicas":2`, 1))
	if resp, err := c.Apply(t.Context(), req); err != nil || len(resp.GetObjects()) != 1 {
		t.Errorf("a dry run of it: %v, %v", resp, err)
	}
	if _, is := get(); is != wants {
		t.Errorf("after a dry run the Deployment is\n%s\nand was\n%s", is, wants)
	}
}
