package engine_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/engine"
)

// machine is what an engine is looked for on.
func machine(env map[string]string, sockets ...string) engine.Finder {
	return engine.Finder{
		Getenv: func(key string) string { return env[key] },
		Exists: func(path string) bool { return strings.Contains(" "+strings.Join(sockets, " ")+" ", " "+path+" ") },
	}
}

// writeContext keeps a context as docker context create does.
func writeContext(t *testing.T, dir, name, host string) {
	t.Helper()
	sum := sha256.Sum256([]byte(name))
	meta := filepath.Join(dir, "contexts", "meta", hex.EncodeToString(sum[:]))
	if err := os.MkdirAll(meta, 0o700); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"Name":%q,"Metadata":{},"Endpoints":{"docker":{"Host":%q,"SkipTLSVerify":false}}}`, name, host)
	if err := os.WriteFile(filepath.Join(meta, "meta.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAnEngineIsFoundAsDockersCommandFindsIt(t *testing.T) {
	dir := t.TempDir()
	writeContext(t, dir, "colima", "unix:///home/learner/.colima/docker.sock")
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"auths":{},"currentContext":"colima"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	home := map[string]string{"HOME": "/home/learner", "XDG_RUNTIME_DIR": "/run/user/1000"}
	for _, c := range []struct {
		finder engine.Finder
		want   string
	}{
		{machine(map[string]string{"DOCKER_HOST": "tcp://192.0.2.1:2375", "DOCKER_CONFIG": dir}), "tcp://192.0.2.1:2375 by DOCKER_HOST"},
		{machine(map[string]string{"DOCKER_CONFIG": dir}), `unix:///home/learner/.colima/docker.sock by docker context "colima"`},
		{machine(map[string]string{"DOCKER_CONFIG": dir, "DOCKER_CONTEXT": "default"}, "/var/run/docker.sock"), "unix:///var/run/docker.sock by the default"},
		{machine(map[string]string{"DOCKER_CONFIG": dir, "DOCKER_CONTEXT": "gone"}), `docker context "gone" does not exist: docker context ls`},
		{machine(home, "/run/user/1000/docker.sock", "/run/podman/podman.sock"), "unix:///run/user/1000/docker.sock by the default"},
		{machine(home, "/run/user/1000/podman/podman.sock"), "unix:///run/user/1000/podman/podman.sock by the default"},
		{machine(home), "unix:///var/run/docker.sock by the default"},
	} {
		e, err := c.finder.Find()
		got := e.Host + " by " + e.Source
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("found %q, want %q", got, c.want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := machine(map[string]string{"DOCKER_CONFIG": dir}).Find(); err == nil || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("a garbled configuration: %v", err)
	}
}

// serve answers as an engine at a socket until the test ends.
func serve(t *testing.T, load http.HandlerFunc) engine.Endpoint {
	t.Helper()
	return serveVersion(t, "1.47", load)
}

// serveVersion serves an engine that speaks a version of the API.
func serveVersion(t *testing.T, version string, load http.HandlerFunc) engine.Endpoint {
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
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", version) })
	if load != nil {
		mux.HandleFunc("POST /v"+version+"/images/load", load)
	}
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return engine.Endpoint{Host: "unix://" + l.Addr().String(), Source: "a test"}
}

func TestAnArchiveIsLoadedIntoAnEngine(t *testing.T) {
	var got []byte
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"stream":"Loaded image: shopctl:1\n"}`+"\n")
	})
	e, err := engine.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	told, err := e.Load(t.Context(), strings.NewReader("an archive"))
	if err != nil || told != "Loaded image: shopctl:1" || string(got) != "an archive" {
		t.Errorf("told %q, error %v, received %q", told, err, got)
	}
}

func TestWhatAnEngineRefusesIsAnError(t *testing.T) {
	for body, want := range map[string]string{
		`{"stream":"half"}` + "\n" + `{"errorDetail":{"message":"no space left on device"},"error":"no space left on device"}`: "no space left on device",
		`{"stream":`: "unexpected EOF",
	} {
		at := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, body)
		})
		e, err := engine.Connect(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Load(t.Context(), strings.NewReader("x")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
		_ = e.Close()
	}
}

func TestAnEngineThatIsTooOldIsNamed(t *testing.T) {
	_, err := engine.Connect(t.Context(), serveVersion(t, "1.24", nil))
	var unreachable *engine.UnreachableError
	if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), "is too old: API version 1.24 is not supported") || !strings.Contains(unreachable.Hint(), "20.10 or newer") {
		t.Errorf("error %v", err)
	}
}

func TestAMachineWithoutAnEngineIsToldSo(t *testing.T) {
	for host, want := range map[string]string{
		"unix://" + filepath.Join(t.TempDir(), "none"): "no container engine answers at unix://",
		"ssh://learner@example.com":                    "ssh is not spoken",
		"nonsense":                                     "nonsense",
	} {
		_, err := engine.Connect(t.Context(), engine.Endpoint{Host: host, Source: "DOCKER_HOST"})
		var unreachable *engine.UnreachableError
		if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "DOCKER_HOST") || unreachable.Hint() == "" {
			t.Errorf("%s: %v, want %q", host, err, want)
		}
	}
}
