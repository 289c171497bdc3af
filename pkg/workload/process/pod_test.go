package process

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/rundir"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// prepared is a container of a pod, ready to be started.
func prepared(t *testing.T, d *Driver, spec podspec.Pod, name string) *container {
	t.Helper()
	p, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range spec.All() {
		if k.Name != name {
			continue
		}
		c := &container{pod: p.(*pod), spec: k, port: p.(*pod).ports[name]}
		if err := c.prepare(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	t.Fatalf("no container %q", name)
	return nil
}

func TestVolumesBecomeDirectoriesAndMountPathsLeadThere(t *testing.T) {
	dir := t.TempDir()
	d := newDriver(func(c *Config) { c.VolumeDir = dir })
	spec := command("./app", "--config=/etc/app/app.yaml", "/etc/apple", "/scratch", "/etc/one/renamed.yaml")
	spec.Volumes = []podspec.Volume{{Name: "config", Files: map[string][]byte{"app.yaml": []byte("level: info")}}, {Name: "tmp"}}
	spec.Containers[0].Env = []string{"FILES=/etc/app/app.yaml:/other"}
	spec.Containers[0].Mounts = []podspec.Mount{
		{Volume: "config", Path: "/etc/app"},
		{Volume: "tmp", Path: "/scratch"},
		{Volume: "config", Path: "/etc/one/renamed.yaml", SubPath: "app.yaml"},
		{Volume: "tmp", Path: "/cache", SubPath: "a/b"},
	}
	c := prepared(t, d, spec, "server")
	file := strings.TrimPrefix(c.command[1], "--config=")
	for _, path := range []string{file, c.command[4]} {
		if text, err := os.ReadFile(path); err != nil || string(text) != "level: info" {
			t.Errorf("%s: %q %v", path, text, err)
		}
	}
	if c.command[2] != "/etc/apple" || c.command[3] != filepath.Join(dir, "a", "tmp") || c.env[0] != "FILES="+file+":/other" {
		t.Errorf("command %q, env %q", c.command, c.env)
	}
	if info, err := os.Stat(filepath.Join(dir, "a", "tmp", "a", "b")); err != nil || !info.IsDir() {
		t.Errorf("the directory mounted by its sub-path: %v", err)
	}
	if err := c.pod.Update([]podspec.Volume{{Name: "config", Files: map[string][]byte{"app.yaml": []byte("level: debug")}}}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{file: "level: debug", c.command[4]: "level: info"} {
		if text, err := os.ReadFile(path); err != nil || string(text) != want {
			t.Errorf("after an update, %s holds %q, %v", path, text, err)
		}
	}
	if err := c.pod.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestAnImagesCommandGetsThePortAndTheVariablesOfItsContainer(t *testing.T) {
	d := newDriver(func(c *Config) {
		c.Images = func() workload.Images {
			return workload.Images{Commands: map[string][]string{"app": {"./app", "--port=$(PORT)", "--level=$(LEVEL)"}}, Dir: "/project"}
		}
		c.CommandEnviron = []string{"EDITOR=vi"}
	})
	spec := podspec.Pod{Name: "a", Workload: "app", Version: "v2", Containers: []podspec.Container{{Name: "server", Image: "x/app:v2", Env: []string{"PORT=1", "LEVEL=debug"}}}}
	c := prepared(t, d, spec, "server")
	if c.port == 0 || !slices.Equal(c.command[2:], []string{"--level=debug"}) || strings.Contains(c.command[1], "$") || c.dir != "/project" {
		t.Errorf("command %q in %s, port %d", c.command, c.dir, c.port)
	}
	env := c.newCommand(pipes{}).Env
	for _, want := range []string{"EDITOR=vi", "LEVEL=debug", "SERVICE_VERSION=v2", "IMAGE_TAG=v2", "POD_NAME=a", "OTEL_SERVICE_NAME=app"} {
		if !slices.Contains(env, want) {
			t.Errorf("the environment lacks %s", want)
		}
	}
	if slices.Contains(env, "PORT=1") {
		t.Error("the manifest chose the port")
	}
}

// pair is a pod whose container "client" writes what its sibling "server" answers, after an init container.
func pair() podspec.Pod {
	script := `import os,urllib.request,time
while True:
    try:
        print(urllib.request.urlopen(os.environ["UPSTREAM"]).read().decode(), open("/shared/greeting").read(), flush=True)
        break
    except OSError:
        time.sleep(0.01)
`
	shared := []podspec.Mount{{Volume: "shared", Path: "/shared"}}
	return podspec.Pod{
		Name: "a", Workload: "pair", Volumes: []podspec.Volume{{Name: "shared"}},
		InitContainers: []podspec.Container{{Name: "setup", Command: []string{"sh", "-c", "printf hello > /shared/greeting"}, Mounts: shared}},
		Containers: []podspec.Container{
			{Name: "server", Image: "echo", Env: []string{"GREETING=pong"}, Ports: []podspec.Port{{Number: 8080}}, Listens: true},
			{Name: "client", Command: []string{"python3", "-c", script}, Env: []string{"UPSTREAM=http://\x00local:localhost:8080\x00"}, Mounts: shared},
		},
	}
}

func TestContainersOfAPodReachEachOtherAndShareVolumes(t *testing.T) {
	dir := t.TempDir()
	spec := pair()
	p, err := newDriver(func(c *Config) { c.VolumeDir = dir }).Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	setup, _ := run(t, p, spec.InitContainers[0])
	await(t, "exit of the init container", setup.Done())
	if e := setup.Exit(); e.Code != 0 {
		t.Fatalf("the init container ended with %+v", e)
	}
	server, _ := run(t, p, spec.Containers[0])
	client, out := run(t, p, spec.Containers[1])
	await(t, "exit of the client", client.Done())
	if got := out.all(); got != "pong hello\n" {
		t.Errorf("the client wrote %q", got)
	}
	select {
	case <-server.Done():
		t.Error("the server ended with the client")
	default:
	}
}

func TestAContainerThatNeedNotListenIsNotWaitedFor(t *testing.T) {
	spec := command("sleep", "60")
	spec.Containers[0].Listens = false
	c, _ := start(t, newDriver(), spec)
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, "exit", c.Done())
	if c.Addrs().App != "" {
		t.Errorf("it listens at %s", c.Addrs().App)
	}
}

func TestACommandRunsInTheEnvironmentOfItsContainer(t *testing.T) {
	spec := command("sleep", "60")
	spec.Containers[0].Env = []string{"LEVEL=debug"}
	c, _ := start(t, newDriver(), spec)
	out, err := c.Exec(t.Context(), []string{"sh", "-c", `echo "$LEVEL $SHOPCTL_LIFELINE"`})
	if err != nil || string(out) != "debug \n" {
		t.Errorf("output %q, %v", out, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Exec(ctx, []string{"sleep", "60"}); err == nil {
		t.Error("a command that takes too long succeeds")
	}
}

func TestAPodWarnsOfAddressesThatLeadNowhere(t *testing.T) {
	spec := pair()
	spec.Containers[1].Env = []string{"A=localhost:9999"}
	plan := newDriver().Plan(&spec)
	if len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0], "container client: env A: no container of this pod declares the containerPort 9999") {
		t.Errorf("warnings %q", plan.Warnings)
	}
	if plan.Err != nil || plan.Builtins["server"] != "echo" || plan.Builtins["client"] != "" {
		t.Errorf("plan %+v", plan)
	}
	spec.Containers[0].Image = "unknown"
	if plan := newDriver().Plan(&spec); plan.Err == nil {
		t.Error("an unknown image has a plan")
	}
}

// book is a ledger in memory.
type book struct {
	mu  sync.Mutex
	all []rundir.Process
}

func (b *book) Record(all []rundir.Process) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = all
	return nil
}

func (b *book) Leftovers() ([]rundir.Process, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.all), func(p rundir.Process) bool { return !p.Alive() }), nil
}

func TestWhatADeadDaemonLeftIsListedAndEnded(t *testing.T) {
	b := &book{}
	c, _ := start(t, newDriver(func(cfg *Config) { cfg.Ledger = b }), command("sleep", "60"))
	next := newDriver(func(cfg *Config) { cfg.Ledger = b })
	left, err := next.List()
	if err != nil || len(left) != 1 || left[0].Name != "a" || left[0].ID != c.ID() {
		t.Fatalf("left: %v %v", left, err)
	}
	ended, err := next.Reclaim(t.Context(), 10*time.Second)
	if err != nil || !slices.Equal(ended, left) {
		t.Fatalf("ended %v, %v", ended, err)
	}
	await(t, "exit", c.Done())
	if left, err := next.List(); err != nil || len(left) != 0 {
		t.Errorf("still there: %v %v", left, err)
	}
}
