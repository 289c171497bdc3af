// The stories of testdata/script run the real binary: each in a home of its own, on ports that the
// kernel gives, and each leaves no process behind.
package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// built is what TestMain makes for all tests.
type built struct {
	// dir holds the binary, to be put on the PATH.
	dir string
	// links is what the linker kept and why: its -dumpdep.
	links []byte
}

var binary built

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "shopctl-bin")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	var links bytes.Buffer
	build := exec.Command("go", "build", "-tags", "grpcnotrace", "-trimpath", "-ldflags", "-s -w -dumpdep", "-o", filepath.Join(dir, "shopctl"), ".")
	build.Stdout, build.Stderr = os.Stdout, &links
	if err := build.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "build shopctl: %v\n%s\n", err, links.Bytes())
		return 1
	}
	binary = built{dir: dir, links: links.Bytes()}
	return m.Run()
}

func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"pid":      pid,
			"address":  address,
			"alone":    alone,
			"services": services,
			"exits":    exits,
			"redis":    redis,
			"serving":  serving,
			"restarts": restarts,
			"waitfor":  waitFor,
			"until":    until,
			"seen":     seen,
		},
	})
}

// setup gives a story its own home, and takes down what it left when it ends early.
func setup(env *testscript.Env) error {
	bin := filepath.Join(env.WorkDir, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return err
	}
	// Each story has its own path to the binary, by which its processes are recognized.
	if err := os.Link(filepath.Join(binary.dir, "shopctl"), filepath.Join(bin, "shopctl")); err != nil {
		return err
	}
	env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("SHOPCTL_RUN_DIR", filepath.Join(env.WorkDir, "run"))
	env.Setenv("SHOPCTL_STATE_DIR", filepath.Join(env.WorkDir, "state"))
	env.Setenv("SHOPCTL_RANDOM_PORTS", "1")
	env.Setenv("TERM", "dumb")
	manifests, err := filepath.Abs(filepath.Join("..", "..", "testdata", "yaml"))
	if err != nil {
		return err
	}
	env.Setenv("MANIFESTS", manifests)
	env.Setenv("EXAMPLES", filepath.Join(manifests, "..", "..", "docs", "examples"))
	vars := slices.Clone(env.Vars)
	env.Defer(func() {
		down := exec.Command(filepath.Join(binary.dir, "shopctl"), "down", "--all", "--now", "-q")
		down.Env = vars
		if out, err := down.CombinedOutput(); err != nil {
			env.T().Log("take the story's shops down:", err, string(out))
		}
	})
	return os.MkdirAll(filepath.Join(env.WorkDir, "home"), 0o700)
}

// pid sets a variable to the daemon's process id: pid VAR [SHOP].
func pid(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: pid VAR [SHOP]")
	}
	shop := "default"
	if len(args) == 2 {
		shop = args[1]
	}
	var status struct{ PID int }
	decode(ts, &status, "--name", shop, "status", "-o", "json")
	ts.Setenv(args[0], strconv.Itoa(status.PID))
}

// address sets a variable to the port of a shop's catalog: address VAR SHOP.
func address(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: address VAR SHOP")
	}
	var ps struct{ Services []struct{ Address string } }
	decode(ts, &ps, "--name", args[1], "ps", "catalog", "-o", "json")
	_, port, err := net.SplitHostPort(ps.Services[0].Address)
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// services checks a field of services in the JSON of ps: services FIELD SERVICE=VALUE...
func services(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: services FIELD SERVICE=VALUE...")
	}
	var ps struct{ Services []map[string]any }
	decode(ts, &ps, "ps", "-o", "json")
	got := map[string]string{}
	for _, s := range ps.Services {
		got[fmt.Sprint(s["name"])] = fmt.Sprint(s[args[0]])
	}
	for _, pair := range args[1:] {
		name, want, _ := strings.Cut(pair, "=")
		if got[name] != want {
			ts.Fatalf("%s of %s is %q, want %q", args[0], name, got[name], want)
		}
	}
}

// exits runs a program that must end with a code: exits CODE PROGRAM ARG...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if want, _ := strconv.Atoi(args[0]); code != want {
		ts.Fatalf("%s: exit %d, want %d", strings.Join(args[1:], " "), code, want)
	}
}

// waitFor waits until a file exists: waitfor FILE.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	exists := eventually.Within(20*time.Second, func() bool {
		_, err := os.Stat(ts.MkAbs(args[0]))
		return err == nil
	})
	if !exists {
		ts.Fatalf("%s does not exist", args[0])
	}
}

// serving waits until the default shop is ready.
func serving(ts *testscript.TestScript, neg bool, args []string) {
	ready := eventually.Within(20*time.Second, func() bool {
		var status struct{ Ready bool }
		return query(ts, &status, "status", "-o", "json") == nil && status.Ready
	})
	if !ready {
		ts.Fatalf("the shop is not ready")
	}
}

// restarts waits until the containers of a service's only instance have been restarted so often, and are all ready
// again: restarts SERVICE CONTAINER=N...
func restarts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: restarts SERVICE CONTAINER=N...")
	}
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var ps struct {
			Services []struct {
				State     string
				Instances []struct {
					Containers []struct {
						Name     string
						Restarts int
					}
				}
			}
		}
		var found []string
		if err := query(ts, &ps, "ps", args[0], "-o", "json"); err == nil && len(ps.Services[0].Instances) == 1 {
			for _, c := range ps.Services[0].Instances[0].Containers {
				found = append(found, fmt.Sprintf("%s=%d", c.Name, c.Restarts))
			}
			if ps.Services[0].State == "ok" && slices.Equal(found, args[1:]) {
				return
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("restarts of %s: %v", args[0], found)
		}
	}
}

func decode(ts *testscript.TestScript, v any, args ...string) { ts.Check(query(ts, v, args...)) }

// query runs a command of shopctl and decodes what it prints.
func query(ts *testscript.TestScript, v any, args ...string) error {
	cmd := exec.Command(filepath.Join(ts.Getenv("WORK"), "bin", "shopctl"), args...)
	for _, key := range []string{"HOME", "PATH", "SHOPCTL_RUN_DIR", "SHOPCTL_STATE_DIR"} {
		cmd.Env = append(cmd.Env, key+"="+ts.Getenv(key))
	}
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	return json.Unmarshal(out, v)
}

// alone checks that no process of the story's shops is left, and gives the kernel two seconds for it.
func alone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: alone")
	}
	var left []string
	if !eventually.Within(2*time.Second, func() bool { left = processesOf(ts.Getenv("WORK")); return len(left) == 0 }) {
		ts.Fatalf("processes are left: %s", strings.Join(left, "; "))
	}
}

// The linker drops unused methods only as long as nothing reaches reflect's Method or MethodByName with a
// name that it cannot see; one such call makes every process of the shop larger by a third.
func TestTheLinkerMayDropUnusedMethods(t *testing.T) {
	var reached []string
	for line := range strings.Lines(string(binary.links)) {
		from, _, _ := strings.Cut(line, " -> ")
		if name, ok := strings.CutSuffix(from, " <ReflectMethod>"); ok && !slices.Contains(reached, name) {
			reached = append(reached, name)
		}
	}
	if len(reached) > 0 {
		t.Errorf("these use reflect's Method or MethodByName: %s", strings.Join(reached, ", "))
	}
	if len(binary.links) == 0 {
		t.Error("the linker told nothing")
	}
}

func TestTheVersionIsPrintedWithoutBuildingAnythingHeavy(t *testing.T) {
	out, err := exec.Command(filepath.Join(binary.dir, "shopctl"), "version", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Version, Go string }
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatal(err)
	}
	if v.Version == "" || v.Go == "" {
		t.Errorf("the version is %s", out)
	}
}

func TestMainIsSmall(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(source, []byte("\n")); lines > 40 {
		t.Errorf("main.go has %d lines, 40 at most", lines)
	}
}
