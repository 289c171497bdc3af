package daemon

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// home is an environment with directories of its own.
func home(t *testing.T) map[string]string {
	t.Helper()
	tmp := t.TempDir()
	return map[string]string{
		"SHOPCTL_RUN_DIR": filepath.Join(tmp, "run"), "SHOPCTL_STATE_DIR": filepath.Join(tmp, "state"),
		"TMPDIR": tmp, "PATH": os.Getenv("PATH"),
	}
}

func environ(vars map[string]string) []string {
	var out []string
	for k, v := range vars {
		out = append(out, k+"="+v)
	}
	return out
}

// open runs a daemon in this process, its instances as processes of the test binary, and takes it
// down with the test.
func open(t *testing.T, vars map[string]string, change func(*Config)) *control.Client {
	t.Helper()
	cfg := Config{
		Name: "default", Listen: "127.0.0.1:0", Prometheus: "127.0.0.1:0", Getenv: func(k string) string { return vars[k] },
		Environ: environ(vars),
	}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := newSignal()
	done := make(chan error, 1)
	go func() { done <- Run(ctx, cfg, ready) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("daemon: %v", err)
		}
	})
	select {
	case <-ready.ch:
	case err := <-done:
		done <- nil
		t.Fatalf("daemon did not start: %v", err)
	}
	dir, err := rundir.Resolve(cfg.Name, cfg.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	c, err := control.Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// readySignal is a ready writer.
type readySignal struct {
	ch chan struct{}
}

func newSignal() *readySignal { return &readySignal{make(chan struct{})} }

func (s *readySignal) Write(p []byte) (int, error) {
	if strings.Contains(string(p), `"ok":true`) {
		close(s.ch)
	}
	return len(p), nil
}

// await watches until ok holds.
func await(t *testing.T, c *control.Client, what string, ok func(*controlpb.StatusResponse) bool) *controlpb.StatusResponse {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stream, err := c.Watch(ctx, &controlpb.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var last *controlpb.StatusResponse
	for {
		st, err := stream.Recv()
		if err != nil {
			t.Fatalf("waiting until %s: %v; last: %v", what, err, last)
		}
		if last = st; ok(st) {
			return st
		}
	}
}

func ready(st *controlpb.StatusResponse) bool { return st.GetReady() }

func find(st *controlpb.StatusResponse, name string) *controlpb.Service {
	for _, s := range st.GetServices() {
		if s.GetName() == name {
			return s
		}
	}
	return &controlpb.Service{}
}

func TestTheWholeShopComesUpInOrderOfDependencies(t *testing.T) {
	c := open(t, home(t), nil)
	begin := time.Now()
	st := await(t, c, "the shop is ready", ready)
	t.Logf("ready after %s", time.Since(begin))
	position := map[string]int{}
	for i, step := range st.GetStartup() {
		position[step.GetService()] = i
		t.Logf("%-14s %8s %8s after %s", step.GetService(), step.GetStarted().AsDuration().Round(time.Millisecond), step.GetReady().AsDuration().Round(time.Millisecond), step.GetAfter())
	}
	for _, s := range st.GetServices() {
		if s.GetState() != "ok" {
			t.Errorf("%s is %s: %s", s.GetName(), s.GetState(), s.GetMessage())
		}
		for _, dep := range s.GetDependsOn() {
			if position[dep] > position[s.GetName()] {
				t.Errorf("%s was ready before %s, which it depends on", s.GetName(), dep)
			}
		}
	}
	resp, err := http.Get(st.GetUrl())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the storefront answers %s", resp.Status)
	}
}
