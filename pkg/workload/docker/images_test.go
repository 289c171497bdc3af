package docker

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/engine"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// fakeEngine has the images of a map, as JSON by their names, and counts the questions for them.
func fakeEngine(t *testing.T, images map[string]string) (e *engine.Engine, asked *atomic.Int32) {
	t.Helper()
	dir, err := os.MkdirTemp("", "engine") // the name of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int32)
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })
	mux.HandleFunc("GET /v1.41/images/{name...}", func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		text, ok := images[strings.TrimSuffix(r.PathValue("name"), "/json")]
		if !ok {
			http.Error(w, `{"message":"No such image"}`, http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(text))
	})
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	e, err = engine.Connect(t.Context(), engine.Endpoint{Host: "unix://" + l.Addr().String(), Source: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e, asked
}

func driverOn(e *engine.Engine) *Driver {
	return New(Config{
		Engine: e, About: engine.About{OS: "linux", Arch: "amd64", LimitsMemory: true}, Image: "shopctl:bin-1", Shop: "default", Run: "/run/default",
		Environ: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317"},
		Builtin: func(image string) (string, bool) {
			name, ours := strings.CutPrefix(image, "shopctl/")
			return name, ours
		},
	})
}

func TestAnImageOnTheEngineComesBeforeABuiltinService(t *testing.T) {
	e, _ := fakeEngine(t, map[string]string{
		"redis:7":      `{"Id":"sha256:1","Os":"linux","Architecture":"amd64","Config":{"ExposedPorts":{"6379/tcp":{},"53/udp":{}}}}`,
		"shopctl/cart": `{"Id":"sha256:2","Os":"linux","Architecture":"amd64"}`,
		"far:1":        `{"Id":"sha256:3","Os":"linux","Architecture":"arm64"}`,
	})
	d := driverOn(e)
	for image, want := range map[string]program{
		"redis:7":         {image: "redis:7", listens: 6379},
		"shopctl/cart":    {image: "shopctl/cart"},
		"shopctl/payment": {image: "shopctl:bin-1", builtin: "payment"},
		"far:1":           {image: "far:1", warning: "its image is for linux/arm64, and the engine runs linux/amd64: docker pull --platform linux/amd64"},
	} {
		got, err := d.find(&podspec.Container{Image: image})
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", image, got, err, want)
		}
	}
	if got, err := d.find(&podspec.Container{Image: "shopctl/payment", Command: []string{"/shopctl", "version"}}); err != nil || got.image != "shopctl:bin-1" || got.builtin != "" {
		t.Errorf("a command replaces the service: %+v, %v", got, err)
	}
}

func TestAMissingImageIsNamedWithTwoWaysOut(t *testing.T) {
	e, _ := fakeEngine(t, nil)
	plan := driverOn(e).Plan(&podspec.Pod{Containers: []podspec.Container{{Name: "main", Image: "team/app:3"}}})
	var missing *MissingImageError
	if !errors.As(plan.Err, &missing) || missing.Hint() != "docker pull team/app:3  # or build it: docker build -t team/app:3 ." {
		t.Errorf("error %v", plan.Err)
	}
}

func TestAnImageIsAskedForOnceInAWhile(t *testing.T) {
	e, asked := fakeEngine(t, map[string]string{"a": `{"Id":"sha256:1"}`})
	d := driverOn(e)
	now := time.Now()
	d.images.now = func() time.Time { return now }
	for range 5 {
		if _, err := d.images.find("a"); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
	now = now.Add(imageAge)
	if _, err := d.images.find("a"); err != nil || asked.Load() != 2 {
		t.Errorf("asked %d times after a while, %v", asked.Load(), err)
	}
	_ = e.Close()
}

func TestPodsReachWhereTheDaemonTakesSpans(t *testing.T) {
	e, _ := fakeEngine(t, nil)
	if got := driverOn(e).reachable; len(got) != 1 || got[0] != "127.0.0.1:4317" {
		t.Errorf("reachable: %v", got)
	}
}
