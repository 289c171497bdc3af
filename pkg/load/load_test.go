package load_test

import (
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/load"
)

func TestStartingALoadIsAnEditOfTheDeploymentsEnvironment(t *testing.T) {
	env, err := load.Start(load.Spec{Rate: 12.5, Seed: 42, For: 90 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"RATE": "12.5", "SEED": "42", "DURATION": "1m30s"}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestStoppingIsTheSameEditWithRateZero(t *testing.T) {
	if got := load.Stop(); got["RATE"] != "0" || got["DURATION"] != "0s" {
		t.Errorf("stop sets %v", got)
	}
}

func TestALoadThatCannotBeMadeIsRefused(t *testing.T) {
	for name, spec := range map[string]load.Spec{
		"no rate":           {},
		"negative rate":     {Rate: -1},
		"not a number":      {Rate: math.NaN()},
		"infinite":          {Rate: math.Inf(1)},
		"far too much":      {Rate: load.MaxRate + 1},
		"negative duration": {Rate: 1, For: -time.Second},
	} {
		if env, err := load.Start(spec); err == nil {
			t.Errorf("%s: got %v", name, env)
		}
	}
}

func TestFetchReadsTheStatus(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/-/status" {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, `{"state":"running","rate":20,"seed":42,"users":110,"running":true,"requests":100,"errors":1,"error_ratio":0.01,
			"p95_ms":4.5,"by_task":{"index":{"requests":9,"p95_ms":3}},"last_errors":[{"task":"checkout","error":"HTTP 503"}]}`)
	}))
	defer srv.Close()
	for _, address := range []string{srv.URL, srv.URL + "/", strings.TrimPrefix(srv.URL, "http://")} {
		s, err := load.Fetch(t.Context(), srv.Client(), address)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if s.Rate != 20 || !s.Running || s.ByTask["index"].P95MS != 3 || s.LastErrors[0].Task != "checkout" {
			t.Errorf("%s: got %+v", address, s)
		}
	}
}

func TestFetchReportsWhatIsWrong(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"HTTP status 404": http.NotFound,
		"read":            func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
	} {
		srv := httptest.NewServer(handler)
		_, err := load.Fetch(t.Context(), srv.Client(), srv.URL)
		srv.Close()
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got error %v, want one with %q", err, name)
		}
	}
	if _, err := load.Fetch(t.Context(), http.DefaultClient, "127.0.0.1:0"); err == nil {
		t.Error("no error although nothing listens")
	}
}
