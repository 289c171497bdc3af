//go:build docker

package dockertest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// patience is how long a shop on a busy machine may take for a change.
const patience = time.Minute

// await polls until a condition holds.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !eventually.Within(patience, ok) {
		t.Fatalf("not within %s: %s", patience, what)
	}
}

// running are the ids of the running containers of a workload by the name of the container.
func (e *engine) running(workload, container string) []string {
	var ids []string
	for _, line := range e.docker("ps", "--no-trunc", "--filter", "label=shopctl.container="+container, "--format", "{{.ID}}={{.Names}}") {
		id, name, _ := strings.Cut(line, "=")
		if strings.Contains(name, "-"+workload+"-") {
			ids = append(ids, id)
		}
	}
	return ids
}

// answers reports whether the catalog answers.
func (s *shop) answers() bool {
	_, err := s.try("call", "catalog", "ListProducts")
	return err == nil
}

// ready reports whether a service has as many ready instances as it wants, and is not changing.
func (s *shop) ready(t *testing.T, service string, instances int) func() bool {
	return func() bool {
		return strings.Contains(s.row(t, service), fmt.Sprintf(" %d/%d ", instances, instances))
	}
}

// row is the line of a service in ps.
func (s *shop) row(t *testing.T, service string) string {
	out, _ := s.try("ps") // it fails while a service is not healthy
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, service+" ") {
			return line
		}
	}
	return ""
}

func killsContainer(t *testing.T, e *engine, s *shop) {
	before, pause := e.running("productcatalogservice", "server"), e.running("productcatalogservice", "pause")
	e.docker("kill", before[0])
	await(t, "another container of the catalog answers", func() bool {
		now := e.running("productcatalogservice", "server")
		return len(now) == 1 && now[0] != before[0] && s.ready(t, "catalog", 1)() && s.answers()
	})
	if now := e.running("productcatalogservice", "pause"); !slices.Equal(now, pause) {
		t.Errorf("the pause container was %v and is %v", pause, now)
	}
	if out := s.run(t, "events"); !strings.Contains(out, "137") && !strings.Contains(out, "SIGKILL") {
		t.Errorf("no event says how it ended:\n%s", out)
	}
}

func killsPause(t *testing.T, e *engine, s *shop) {
	before := e.running("productcatalogservice", "pause")
	e.docker("kill", before[0])
	await(t, "another pod of the catalog answers", func() bool {
		now := e.running("productcatalogservice", "pause")
		return len(now) == 1 && now[0] != before[0] && s.ready(t, "catalog", 1)() && s.answers()
	})
}

func scales(t *testing.T, e *engine, s *shop) {
	s.run(t, "scale", "catalog", "--replicas", "3", "--wait")
	if n := len(e.running("productcatalogservice", "server")); n != 3 {
		t.Errorf("%d containers, want 3", n)
	}
	s.order(t, "bob")
	s.run(t, "scale", "catalog", "--replicas", "1", "--wait")
	await(t, "the others are gone", func() bool { return len(e.running("productcatalogservice", "pause")) == 1 })
}

// restarts replaces two services while pages are asked for.
func restarts(t *testing.T, _ *engine, s *shop) {
	var status struct {
		URL string `json:"url"`
	}
	out, _ := s.try("status", "-o", "json")
	if err := json.Unmarshal([]byte(out[strings.Index(out, "{"):]), &status); err != nil || status.URL == "" {
		t.Fatalf("status: %v\n%s", err, out)
	}
	stop := make(chan struct{})
	var asking sync.WaitGroup
	requests, failures := 0, []string{}
	asking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			requests++
			resp, err := http.Get(status.URL)
			if err != nil {
				failures = append(failures, err.Error())
				continue
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				failures = append(failures, resp.Status)
			}
		}
	})
	s.run(t, "restart", "catalog", "--wait")
	s.run(t, "restart", "frontend", "--wait")
	close(stop)
	asking.Wait()
	t.Logf("%d requests, %d failed", requests, len(failures))
	if len(failures) > 0 || requests == 0 {
		t.Errorf("%d of %d requests failed: %v", len(failures), requests, failures[0])
	}
}

// deployment is a manifest of one container.
func deployment(name, container string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - name: main
        %[2]s
`, name, strings.ReplaceAll(container, "\n", "\n        "))
}

func (s *shop) apply(t *testing.T, manifest string) string {
	t.Helper()
	out, err := s.feed(manifest, "apply", "-f", "-")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func exceedsMemory(t *testing.T, _ *engine, s *shop) {
	s.apply(t, deployment("hungry", "image: shopctl/currency:v1\nresources: {limits: {memory: 6Mi}}"))
	await(t, "an event names the limit", func() bool {
		out, _ := s.try("events")
		return strings.Contains(out, "OOMKilled") && strings.Contains(out, "6Mi")
	})
	s.run(t, "delete", "deployment", "hungry")
}

func probesByExec(t *testing.T, _ *engine, s *shop) {
	probe := "image: shopctl/currency:v1\nreadinessProbe: {exec: {command: [/shopctl, %s]}, periodSeconds: 1, timeoutSeconds: 20}"
	s.apply(t, deployment("probed", fmt.Sprintf(probe, "version")))
	await(t, "it is ready", s.ready(t, "probed", 1))
	s.apply(t, deployment("unready", fmt.Sprintf(probe, "nonsense")))
	await(t, "ps says what the probe printed", func() bool {
		out, _ := s.try("ps")
		return strings.Contains(out, "exit status 2") && strings.Contains(out, "nonsense")
	})
	s.run(t, "delete", "deployment", "probed", "unready")
}

func executes(t *testing.T, _ *engine, s *shop) {
	if out := s.run(t, "exec", "currency", "--", "/shopctl", "version"); !strings.Contains(out, "shopctl") {
		t.Errorf("its standard output does not arrive: %s", out)
	}
	for command, want := range map[string][]string{
		"/shopctl nonsense": {"nonsense", "command terminated with exit code 2", "exit status 2"},
		"sh":                {"executable file not found", "exit status 1"},
	} {
		_, err := s.try(append([]string{"exec", "currency", "--"}, strings.Fields(command)...)...)
		for _, text := range want {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, want %q", command, err, text)
			}
		}
	}
}

func pauses(t *testing.T, e *engine, s *shop) {
	s.run(t, "fault", "inject", "currency", "--pause")
	await(t, "the engine shows it as paused", func() bool {
		return len(e.docker("ps", "-q", "--filter", "status=paused")) == 1
	})
	s.run(t, "fault", "clear", "--all")
	await(t, "nothing is paused", func() bool { return len(e.docker("ps", "-q", "--filter", "status=paused")) == 0 })
	await(t, "it is ready", s.ready(t, "currency", 1))
}

// runsForeign runs an image that is on the engine under a name of its own: it has no lifeline, and finds others by its variables.
func runsForeign(t *testing.T, e *engine, s *shop) {
	ours := e.docker("images", "--format", "{{.Repository}}:{{.Tag}}", "shopctl")[0]
	e.docker("tag", ours, "example/stranger:1")
	s.apply(t, deployment("stranger", `image: example/stranger:1
args: [service, run, recommendation]
ports: [{containerPort: 8090}]
env:
- {name: PORT, value: "8090"}
- {name: LISTEN_HOST, value: 0.0.0.0}
- {name: PRODUCT_CATALOG_SERVICE_ADDR, value: "productcatalogservice:3550"}
readinessProbe: {grpc: {port: 8090}, periodSeconds: 1}`)+`---
apiVersion: v1
kind: Service
metadata: {name: stranger}
spec:
  selector: {app: stranger}
  ports: [{port: 8090}]
`)
	await(t, "it is ready", s.ready(t, "stranger", 1))
	out := s.run(t, "call", "stranger", "hipstershop.RecommendationService/ListRecommendations", `{"user_id": "alice"}`)
	if !strings.Contains(out, "product_ids") && !strings.Contains(out, "productIds") {
		t.Errorf("it does not reach the catalog: %s", out)
	}
	s.run(t, "delete", "deployment", "stranger")
	s.run(t, "delete", "service", "stranger")
}

func missesImage(t *testing.T, e *engine, s *shop) {
	out := s.apply(t, deployment("lost", "image: example/nowhere:7"))
	for _, want := range []string{`image "example/nowhere:7" is neither on the engine at ` + e.host, "docker pull example/nowhere:7", "docker build -t example/nowhere:7 ."} {
		if !strings.Contains(out, want) {
			t.Errorf("apply does not say %q:\n%s", want, out)
		}
	}
	s.run(t, "delete", "deployment", "lost")
}

func killsDaemon(t *testing.T, e *engine, s *shop) {
	s.run(t, "fault", "inject", "currency", "--pause")
	await(t, "one is paused", func() bool { return len(e.docker("ps", "-q", "--filter", "status=paused")) == 1 })
	var status struct {
		PID int `json:"pid"`
	}
	out, _ := s.try("status", "-o", "json")
	if err := json.Unmarshal([]byte(out[strings.Index(out, "{"):]), &status); err != nil || status.PID == 0 {
		t.Fatalf("status: %v\n%s", err, out)
	}
	if err := syscall.Kill(status.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	await(t, "none runs but the pod of what is paused", func() bool {
		return !slices.ContainsFunc(e.docker("ps", "--format", "{{.Names}}"), func(name string) bool { return !strings.Contains(name, "-currencyservice-") })
	})
	t.Logf("all had ended after %s", time.Since(began).Round(10*time.Millisecond))
	s.run(t, "down")
	if all := e.containers(); len(all) > 0 {
		t.Errorf("containers are left: %v", all)
	}
}

// refusesOthers has a user start a shop who is not in the group of the engine's socket.
func refusesOthers(t *testing.T, e *engine) {
	dir := t.TempDir()
	for path := dir; path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(path) == os.TempDir() {
			break
		}
	}
	program, err := os.ReadFile(*binary) // where it is, others may not read
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "shopctl"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "shopctl"), "up", "--driver", "docker")
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "DOCKER_HOST=" + e.host, "XDG_STATE_HOME=" + dir + "/state", "SHOPCTL_RUN_DIR=" + dir + "/run"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 5 || !strings.Contains(string(out), "this user may not use the container engine at "+e.host) || !strings.Contains(string(out), "usermod -aG docker") {
		t.Errorf("exit code %d, %v:\n%s", code, err, out)
	}
}
