package daemon

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/eventually"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// spawn starts a daemon as a process of its own.
func spawn(t *testing.T, vars map[string]string, args ...string) (rundir.Dir, error) {
	t.Helper()
	dir, err := rundir.Resolve("default", func(k string) string { return vars[k] })
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return dir, Spawn(t.Context(), SpawnOptions{
		Dir: dir, Executable: self, Args: append([]string{"daemon", "default"}, args...), Environ: environ(vars),
	})
}

func dial(t *testing.T, dir rundir.Dir) *control.Client {
	t.Helper()
	c, err := control.Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func shutdown(t *testing.T, dir rundir.Dir) []string {
	t.Helper()
	c, err := control.Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var steps []string
	for _, p := range drain(t, func() (grpc.ServerStreamingClient[controlpb.ShutdownProgress], error) {
		return c.Shutdown(context.Background(), &controlpb.ShutdownRequest{})
	}) {
		steps = append(steps, strings.TrimSpace(p.GetService()+" "+p.GetState()))
	}
	eventually.True(t, "the daemon has released its lock", func() bool { _, alive := dir.Holder(); return !alive })
	return steps
}

func TestAKilledDaemonLeavesNoProcessAndTheNextOneWorksAtOnce(t *testing.T) {
	vars := home(t)
	dir, err := spawn(t, vars, "currency", "cart")
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, dir)
	st := await(t, c, "the shop is ready", ready)
	if _, err := c.InjectFault(t.Context(), &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Service: "currency", Pause: true}}); err != nil {
		t.Fatal(err)
	}
	left, err := dir.Leftovers()
	if err != nil || len(left) < 3 {
		t.Errorf("recorded processes: %v %v", left, err)
	}
	if err := syscall.Kill(int(st.GetPid()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "all instances are gone", func() bool {
		alive, err := dir.Leftovers()
		return err == nil && len(alive) == 0
	})
	if _, err := control.Dial(dir); err == nil {
		t.Error("somebody answers on the dead socket")
	}
	if _, err := spawn(t, vars, "currency"); err != nil {
		t.Fatal(err)
	}
	await(t, dial(t, dir), "the next shop is ready", ready)
	shutdown(t, dir)
}

func TestASecondDaemonSaysThatTheShopRunsAlready(t *testing.T) {
	vars := home(t)
	dir, err := spawn(t, vars, "currency")
	if err != nil {
		t.Fatal(err)
	}
	defer shutdown(t, dir)
	_, err = spawn(t, vars, "currency")
	hint, _, _ := control.HintOf(err)
	if err == nil || !strings.Contains(err.Error(), "is already running") || hint != "shopctl status" {
		t.Errorf("second: %v, hint %q", err, hint)
	}
	err = Run(t.Context(), Config{Name: "default", Getenv: func(k string) string { return vars[k] }}, nil)
	if err == nil || !strings.Contains(err.Error(), "is already running") {
		t.Errorf("second in the foreground: %v", err)
	}
}

func TestShutdownReportsEachStepAndLeavesNothing(t *testing.T) {
	vars := home(t)
	dir, err := spawn(t, vars, "cart")
	if err != nil {
		t.Fatal(err)
	}
	await(t, dial(t, dir), "the shop is ready", ready)
	steps := shutdown(t, dir)
	text := strings.Join(steps, ", ")
	if len(steps) != 7 || steps[6] != "done" || slices.Index(steps, "cart stopped") > slices.Index(steps, "redis-cart stopping") || !slices.Contains(steps, "redis-cart stopped") {
		t.Errorf("steps: %s", text)
	}
	if _, err := os.Stat(dir.Run); !os.IsNotExist(err) {
		t.Errorf("run directory: %v", err)
	}
	if err := dir.Create(); err != nil {
		t.Fatal(err)
	}
	lock, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Remove()
	if err := lock.Reset(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir.State); !os.IsNotExist(err) {
		t.Errorf("a file of the daemon is not in the list of package rundir: %v", err)
	}
}

func TestTwoShopsRunSideBySide(t *testing.T) {
	vars := home(t)
	a := open(t, vars, only("currency"))
	b := open(t, vars, func(c *Config) { c.Name, c.Only = "second", []string{"currency"} })
	one, two := await(t, a, "the first is ready", ready), await(t, b, "the second is ready", ready)
	if find(one, "currency").GetAddress() == find(two, "currency").GetAddress() || two.GetName() != "second" {
		t.Errorf("%v and %v", one, two)
	}
}

func TestABadConfigurationIsReportedBeforeAnythingStarts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	projects := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(projects, "default"), 0o700), os.WriteFile(filepath.Join(projects, "default", "main.c"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Config, map[string]string)
		text   string
		hint   string
		exit   int
	}{
		"files of the user": {func(_ *Config, vars map[string]string) { vars["SHOPCTL_STATE_DIR"] = projects }, "it contains \"main.c\"", rundir.StateHint, 5},
		"one directory":     {func(_ *Config, vars map[string]string) { vars["SHOPCTL_STATE_DIR"] = vars["SHOPCTL_RUN_DIR"] }, "it is the run directory too", rundir.StateHint, 5},
		"state directory":   {func(_ *Config, vars map[string]string) { vars["SHOPCTL_STATE_DIR"] = file }, "not a directory", "SHOPCTL_STATE_DIR", 5},
		"full disk":         {func(_ *Config, vars map[string]string) { vars["SHOPCTL_STATE_DIR"] = "/dev/full" }, "/dev/full", "SHOPCTL_STATE_DIR", 5},
		"taken port":        {func(c *Config, _ map[string]string) { c.Listen = l.Addr().String() }, "the port is taken by daemon.test (pid", "--port", 5},
		"unknown service":   {func(c *Config, _ map[string]string) { c.Only = []string{"curency"} }, `no service "curency"`, "did you mean currency?", 2},
		"name":              {func(c *Config, _ map[string]string) { c.Name = "../x" }, "shop name", "--name", 2},
	} {
		t.Run(name, func(t *testing.T) {
			vars := home(t)
			cfg := Config{Name: "default", Getenv: func(k string) string { return vars[k] }, Environ: environ(vars)}
			c.change(&cfg, vars)
			err := Run(t.Context(), cfg, nil)
			hint, exit, _ := control.HintOf(err)
			if err == nil || !strings.Contains(err.Error(), c.text) || !strings.Contains(hint, c.hint) || exit != c.exit {
				t.Errorf("got %v, hint %q, exit %d", err, hint, exit)
			}
		})
	}
}
