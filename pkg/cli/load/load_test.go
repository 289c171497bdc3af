package load_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// withLoad is a world whose shop has a load generator that answers with text.
func withLoad(t *testing.T, text string) (*clitest.World, *clitest.FakeShop) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	t.Cleanup(server.Close)
	st := clitest.ThreeServices()
	st.Services = append(st.Services, &controlpb.Service{
		Name: "loadgenerator", Workload: "loadgenerator", Namespace: "production", State: "ok", Replicas: 1, Ready: 1,
		Address: strings.TrimPrefix(server.URL, "http://"), Protocol: "http",
	})
	shop := &clitest.FakeShop{Current: st}
	return clitest.NewWorld(t).Serve(shop), shop
}

func TestLoadIsAnEditOfTheLoadGenerator(t *testing.T) {
	w, shop := withLoad(t, "{}")
	w.Want(cmdutil.ExitOK, "load", "start", "--rate", "20", "--seed", "42", "--for", "2m")
	w.WantOut("deployment.apps/loadgenerator load started\n")
	w.WantErr("20 steps per second, seed 42, for 2m", "next: shopctl load status", "next: shopctl load stop")
	w.Want(cmdutil.ExitOK, "load", "stop")
	w.WantOut("deployment.apps/loadgenerator load stopped\n")
	want := []map[string]string{
		{"RATE": "20", "SEED": "42", "DURATION": "2m0s"},
		{"RATE": "0", "SEED": "0", "DURATION": "0s"},
	}
	for i, edit := range shop.Edits {
		if d := cmp.Diff(want[i], edit.GetSetEnv().GetSet()); d != "" {
			t.Errorf("variables (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]string{"production/loadgenerator"}, edit.GetServices()); d != "" {
			t.Errorf("services (-want +got):\n%s", d)
		}
	}
}

func TestLoadShowsTheObjectThatItMakes(t *testing.T) {
	w, shop := withLoad(t, "{}")
	w.Want(cmdutil.ExitOK, "load", "start", "--rate", "20", "--dry-run", "-o", "yaml")
	w.WantOut("kind: Deployment\n")
	if !shop.Edits[0].GetDryRun() || strings.Contains(w.Err.String(), "next:") {
		t.Errorf("dry run %v, said %q", shop.Edits[0].GetDryRun(), w.Err.String())
	}
}

func TestLoadThatCannotBeMadeIsRefused(t *testing.T) {
	w, shop := withLoad(t, "{}")
	for _, args := range [][]string{
		{"load", "start", "--rate", "0"},
		{"load", "start", "--rate", "-5"},
		{"load", "start", "--rate", "1000000"},
		{"load", "start", "--for", "0s"},
		{"load", "start", "--seed", "-1"},
		{"load", "start", "now"},
		{"load", "strat"},
	} {
		w.Want(cmdutil.ExitUsage, args...)
		w.WantErr("shopctl: error: ", "shopctl: hint: ")
	}
	if len(shop.Edits) > 0 {
		t.Errorf("edited %v", shop.Edits)
	}
}

func TestLoadStatusShowsRateErrorsAndLatencies(t *testing.T) {
	w, _ := withLoad(t, `{"state":"running","rate":20,"seed":42,"running":true,"duration_ms":120000,"elapsed_ms":30000,"requests":600,
		"in_flight":2,"errors":3,"error_ratio":0.005,"rps":20,"p50_ms":4.2,"p95_ms":48,"p99_ms":120,"max_ms":2900,
		"by_task":{"index":{"requests":60,"p95_ms":30},"checkout":{"requests":20,"errors":3}},
		"last_errors":[{"time":"2026-03-01T11:59:00Z","task":"checkout","error":"HTTP 503"}]}`)
	w.Want(cmdutil.ExitOK, "load", "status")
	w.WantOut("running, 20 steps/s, seed 42, for 2m", "600 requests", "3 (0.5%)", "p95 48ms", "checkout   20         3", "11:59:00  checkout: HTTP 503")
	w.Want(cmdutil.ExitOK, "load", "status", "-o", "json")
	w.WantOut(`"error_ratio": 0.005`)
}

func TestIdleLoadSaysHowToStartOne(t *testing.T) {
	w, _ := withLoad(t, `{"state":"idle"}`)
	w.Want(cmdutil.ExitOK, "load", "status")
	w.WantOut("idle")
	w.WantErr("next: shopctl load start --rate 20 --seed 42")
}

func TestLoadStatusOfAGeneratorThatIsNotThereSaysWhy(t *testing.T) {
	w, shop := withLoad(t, "<html>")
	w.Want(cmdutil.ExitFailed, "load", "status")
	w.WantErr("hint: shopctl logs --tail 20 loadgenerator")
	shop.Current.Services[3].Ready = 0
	w.Want(cmdutil.ExitFailed, "load", "status")
	w.WantErr("not ready", "hint: shopctl ps --instances loadgenerator")
	shop.Current.Services[3].Replicas = 0
	w.Want(cmdutil.ExitFailed, "load", "status")
	w.WantErr("is stopped", "hint: shopctl start loadgenerator")
	w = clitest.NewWorld(t)
	w.Want(cmdutil.ExitNotRunning, "load", "status")
}

func TestLoadOfAStoppedGeneratorIsRefused(t *testing.T) {
	w, shop := withLoad(t, "{}")
	shop.Current.Services[3].Replicas, shop.Current.Services[3].State = 0, "stopped"
	w.Want(cmdutil.ExitFailed, "load", "start")
	w.WantErr("start load: the load generator is stopped", "hint: shopctl start loadgenerator --wait && shopctl load start")
	if len(shop.Edits) > 0 {
		t.Errorf("it was edited: %v", shop.Edits)
	}
	w.Want(cmdutil.ExitOK, "load", "start", "--dry-run")
}
