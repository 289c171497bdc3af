package loadgenerator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
)

// frontend is a shop over real HTTP, as little as the service needs.
func frontend(t *testing.T) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && (r.Header.Get("Idempotency-Key") == "" || r.ParseForm() != nil) {
			http.Error(w, "no key or form", http.StatusBadRequest)
			return
		}
		if r.URL.Path == "/" {
			http.SetCookie(w, &http.Cookie{Name: "shop_session-id", Value: "s", Path: "/"})
		} else if c, err := r.Cookie("shop_session-id"); r.URL.Path != "/_healthz" && (err != nil || c.Value != "s") {
			http.Error(w, "no session", http.StatusForbidden)
			return
		}
		switch r.Method + " " + r.URL.Path {
		case "POST /cart":
			http.Redirect(w, r, "/cart", http.StatusFound)
		case "POST /setCurrency":
			http.Redirect(w, r, "/", http.StatusFound)
		case "POST /cart/checkout":
			http.Redirect(w, r, "/order/1", http.StatusFound)
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestTheServiceReportsItsLoad(t *testing.T) {
	shop := frontend(t)
	s := chassistest.Start(t, Setup, map[string]string{"FRONTEND_ADDR": shop.Listener.Addr().String(), "RATE": "400", "SEED": "42", "DURATION": "500ms"})
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for {
		resp, err := client.Get("http://" + s.Addr + "/-/status")
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			State    string
			Seed     uint64
			Requests int64
			Errors   int64
			ByTask   map[string]struct{ Requests int64 } `json:"by_task"`
			Last     []any                               `json:"last_errors"`
		}
		err = json.NewDecoder(resp.Body).Decode(&got)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got.State == "done" {
			if got.Requests == 0 || got.Errors != 0 || got.Seed != 42 || len(got.ByTask) != 6 || got.Last == nil {
				t.Errorf("status %+v", got)
			}
			return
		}
	}
}

func TestWithoutARateTheServiceIsIdle(t *testing.T) {
	s := chassistest.Start(t, Setup, map[string]string{"FRONTEND_ADDR": "127.0.0.1:1"})
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for path, want := range map[string]string{"/healthz": "ok", "/-/status": `"state":"idle"`} {
		resp, err := client.Get("http://" + s.Addr + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

func TestAnEnvironmentThatMakesNoSenseIsNamed(t *testing.T) {
	for _, c := range [][2]string{
		{"RATE", "fast"},
		{"RATE", "-1"},
		{"RATE", "NaN"},
		{"RATE", "1e9"},
		{"SEED", "-1"},
		{"SEED", "x"},
		{"USERS", "0"},
		{"USERS", "many"},
		{"DURATION", "long"},
		{"DURATION", "-1s"},
		{"FRONTEND_ADDR", ""},
	} {
		env := map[string]string{"FRONTEND_ADDR": "127.0.0.1:1", c[0]: c[1]}
		err := chassis.Run(t.Context(), chassis.Options{
			Name: "loadgenerator", Workload: "loadgenerator", Getenv: func(k string) string { return env[k] }, Stdout: io.Discard,
		}, Setup)
		if err == nil || !strings.Contains(err.Error(), c[0]) {
			t.Errorf("%s=%q: got %v", c[0], c[1], err)
		}
	}
}
