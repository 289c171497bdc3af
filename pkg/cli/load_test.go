package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// withLoad is a world whose shop has a load generator that answers with text.
func withLoad(t *testing.T, text string) (*world, *fakeShop) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	t.Cleanup(server.Close)
	st := threeServices()
	st.Services = append(st.Services, &controlpb.Service{
		Name: "loadgenerator", Workload: "loadgenerator", Namespace: "production", State: "ok", Replicas: 1, Ready: 1,
		Address: strings.TrimPrefix(server.URL, "http://"), Protocol: "http",
	})
	shop := &fakeShop{status: st}
	return newWorld(t).serve(shop), shop
}

func TestLoadIsAnEditOfTheLoadGenerator(t *testing.T) {
	w, shop := withLoad(t, "{}")
	w.want(exitOK, "load", "start", "--rate", "20", "--seed", "42", "--for", "2m")
	w.wantOut("deployment.apps/loadgenerator load started\n")
	w.wantErr("20 steps a second, seed 42, for 2m0s", "next: shopctl load status", "next: shopctl load stop")
	w.want(exitOK, "load", "stop")
	w.wantOut("deployment.apps/loadgenerator load stopped\n")
	want := []map[string]string{
		{"RATE": "20", "SEED": "42", "DURATION": "2m0s"},
		{"RATE": "0", "SEED": "0", "DURATION": "0s"},
	}
	for i, edit := range shop.edits {
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
	w.want(exitOK, "load", "start", "--rate", "20", "--dry-run", "-o", "yaml")
	w.wantOut("kind: Deployment\n")
	if !shop.edits[0].GetDryRun() || strings.Contains(w.err.String(), "next:") {
		t.Errorf("dry run %v, said %q", shop.edits[0].GetDryRun(), w.err.String())
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
		w.want(exitUsage, args...)
		w.wantErr("shopctl: error: ", "shopctl: hint: ")
	}
	if len(shop.edits) > 0 {
		t.Errorf("edited %v", shop.edits)
	}
}

func TestLoadStatusShowsRateErrorsAndLatencies(t *testing.T) {
	w, _ := withLoad(t, `{"state":"running","rate":20,"seed":42,"running":true,"duration_ms":120000,"elapsed_ms":30000,"requests":600,
		"in_flight":2,"errors":3,"error_ratio":0.005,"rps":20,"p50_ms":4.2,"p95_ms":48,"p99_ms":120,"max_ms":2900,
		"by_task":{"index":{"requests":60,"p95_ms":30},"checkout":{"requests":20,"errors":3}},
		"last_errors":[{"time":"2026-03-01T11:59:00Z","task":"checkout","error":"HTTP 503"}]}`)
	w.want(exitOK, "load", "status")
	w.wantOut("running, 20 steps/s, seed 42, for 2m0s", "600 requests", "3 (0.50%)", "p95 48ms", "checkout   20         3", "11:59:00  checkout: HTTP 503")
	w.want(exitOK, "load", "status", "-o", "json")
	w.wantOut(`"error_ratio": 0.005`)
}

func TestIdleLoadSaysHowToStartOne(t *testing.T) {
	w, _ := withLoad(t, `{"state":"idle"}`)
	w.want(exitOK, "load", "status")
	w.wantOut("idle")
	w.wantErr("next: shopctl load start --rate 20 --seed 42")
}

func TestLoadStatusOfAGeneratorThatIsNotThereSaysWhy(t *testing.T) {
	w, shop := withLoad(t, "<html>")
	w.want(exitFailed, "load", "status")
	w.wantErr("hint: shopctl logs --tail 20 loadgenerator")
	shop.status.Services[3].Ready = 0
	w.want(exitFailed, "load", "status")
	w.wantErr("not ready", "hint: shopctl ps --instances loadgenerator")
	shop.status.Services[3].Replicas = 0
	w.want(exitFailed, "load", "status")
	w.wantErr("is stopped", "hint: shopctl start loadgenerator")
	w = newWorld(t)
	w.want(exitNotRunning, "load", "status")
}
