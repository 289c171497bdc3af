package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// TestMain lets the test binary stand in for shopctl: it runs services and guards, and a daemon that
// holds one instance and can be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "service":
			os.Exit(runService())
		case "guard":
			os.Exit(runGuard(os.Args[2:]))
		case "holder":
			os.Exit(runHolder())
		}
	}
	os.Exit(m.Run())
}

func runService() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	down, up, err := lifeline.Open(os.Getenv(lifeline.Env))
	if err != nil {
		return 2
	}
	err = chassis.Run(ctx, chassis.Options{
		Name: "echo", Workload: "echo", Getenv: os.Getenv, Stdout: os.Stdout, Down: down, Up: up,
	}, func(_ context.Context, rt *chassis.Runtime) error {
		if rt.Env("BROKEN", "") != "" {
			return errors.New("broken on purpose")
		}
		rt.ServeHTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, rt.Env("GREETING", "")) }))
		return nil
	})
	if err != nil {
		return 1
	}
	return 0
}

func runGuard(args []string) int {
	if args[0] == "--group" {
		pgid, _ := strconv.Atoi(args[1])
		if GuardPaused(context.Background(), os.Stdin, pgid, os.Getenv(MarkerEnv)) != nil {
			return 1
		}
		return 0
	}
	code, err := Guard(os.Stdin, args[1:], os.Environ(), os.Getenv(MarkerEnv), os.Stdout)
	if err != nil {
		fmt.Println(err)
	}
	return code
}

// runHolder starts the instance that its environment describes, prints the pid, and waits to be killed.
func runHolder() int {
	d := newDriver()
	spec := echo()
	if c := os.Getenv("HOLD_COMMAND"); c != "" {
		spec = command(strings.Fields(c)...)
	}
	pod, err := d.Start(context.Background(), spec)
	if err != nil {
		return 1
	}
	in, err := pod.Run(context.Background(), spec.Containers[0])
	if err != nil {
		return 1
	}
	if len(spec.Containers[0].Command) == 0 {
		<-in.Listening()
	}
	for file := os.Getenv("HOLD_ESCAPED"); file != ""; {
		if _, err := os.Stat(file); err == nil {
			break
		}
	}
	if os.Getenv("HOLD_PAUSED") != "" {
		if err := in.Pause(); err != nil {
			return 1
		}
	}
	fmt.Println(in.(*container).pgid)
	select {}
}

// echo is a pod of the test's built-in service.
func echo(env ...string) podspec.Pod {
	return podspec.Pod{Name: "a", Workload: "echo", Containers: []podspec.Container{{Name: "server", Image: "echo", Env: env, Listens: true}}}
}

// command is a pod of a command.
func command(words ...string) podspec.Pod {
	return podspec.Pod{Name: "a", Workload: "command", Containers: []podspec.Container{{Name: "server", Image: "other", Command: words, Listens: true}}}
}

func newDriver(change ...func(*Config)) *Driver {
	cfg := Config{
		Executable: os.Args[0],
		Environ:    []string{"PATH=" + os.Getenv("PATH")},
		Builtin:    func(image string) (string, bool) { return image, image == "echo" },
	}
	for _, f := range change {
		f(&cfg)
	}
	return New(cfg)
}

// output is what a container writes.
type output struct {
	done chan struct{}
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// all is the whole output of a container that has ended.
func (o *output) all() string {
	<-o.done
	return o.text.String()
}

// start starts the only container of a pod.
func start(t *testing.T, d *Driver, spec podspec.Pod) (*container, *output) {
	t.Helper()
	pod, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, pod, spec.Containers[0])
}

func run(t *testing.T, pod workload.Pod, spec podspec.Container) (*container, *output) {
	t.Helper()
	in, err := pod.Run(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	out := &output{done: make(chan struct{})}
	go func() {
		defer close(out.done)
		_, _ = io.Copy(out, in.Logs())
		_ = in.Logs().Close()
	}()
	t.Cleanup(func() {
		_ = in.Kill()
		<-in.Done()
		<-out.done
	})
	return in.(*container), out
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(30 * time.Second):
		t.Fatalf("waited in vain: %s", what)
	}
}

func TestABuiltinReportsWhereItListensAndLeavesOnStop(t *testing.T) {
	in, log := start(t, newDriver(), echo("GREETING=hello"))
	await(t, "listening", in.Listening())
	res, err := http.Get("http://" + in.Addrs().App)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if string(body) != "hello" {
		t.Errorf("body %q, want the value of the environment", body)
	}
	if addrs, memory := in.Addrs(), in.Memory(); addrs.Admin == "" || addrs.Peer != addrs.App || memory <= 0 {
		t.Errorf("addresses %+v, memory %d", addrs, memory)
	}
	if err := in.Stop(t.Context(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if e := in.Exit(); e.Code != 0 || e.Signal != 0 {
		t.Errorf("exit %+v, want a clean one", e)
	}
	if !strings.Contains(log.all(), `"message":"draining"`) {
		t.Errorf("log misses the drain:\n%s", log.all())
	}
}

func TestAServiceThatCannotStartSaysWhy(t *testing.T) {
	in, _ := start(t, newDriver(), echo("BROKEN=1"))
	await(t, "exit", in.Done())
	if e := in.Exit(); e.Code != 1 || !strings.Contains(e.Message, "broken on purpose") {
		t.Errorf("exit %+v, want code 1 and the reason", e)
	}
}

func TestAMessageReachesTheInstance(t *testing.T) {
	in, _ := start(t, newDriver(), echo())
	await(t, "listening", in.Listening())
	faults := []lifeline.Fault{{ID: "f", Percent: 100, Code: "UNAVAILABLE"}}
	if err := in.Send(lifeline.Down{Faults: &faults}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		res, err := http.Get("http://" + in.Addrs().App)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusServiceUnavailable {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the fault never took effect")
		}
	}
}

func TestACommandListensOnThePortThatItIsGiven(t *testing.T) {
	script := `import http.server,os;print("plain text",flush=True);http.server.HTTPServer(("127.0.0.1",int(os.environ["PORT"])),http.server.BaseHTTPRequestHandler).serve_forever()`
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	in, log := start(t, newDriver(), command(python, "-c", script))
	await(t, "listening", in.Listening())
	conn, err := net.Dial("tcp", in.Addrs().App)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if err := in.Send(lifeline.Down{}); !errors.Is(err, workload.ErrNoLifeline) {
		t.Errorf("Send: %v, want ErrNoLifeline", err)
	}
	if err := in.Stop(t.Context(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.all(), "plain text\n") {
		t.Errorf("output %q", log.all())
	}
}

func TestStopKillsAGroupThatDoesNotListenToSIGTERM(t *testing.T) {
	d := newDriver()
	spec := command("sh", "-c", `trap "" TERM; echo ready; while :; do sleep 60; done`)
	pod, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	in, err := pod.Run(t.Context(), spec.Containers[0])
	if err != nil {
		t.Fatal(err)
	}
	defer in.Logs().Close()
	if _, err := in.Logs().Read(make([]byte, 1024)); err != nil {
		t.Fatal(err)
	}
	if err := in.Stop(t.Context(), 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if e := in.Exit(); e.Signal != int(syscall.SIGKILL) || e.Code != 137 {
		t.Errorf("exit %+v, want SIGKILL", in.Exit())
	}
	if groupLives(in.(*container).pgid) {
		t.Error("the group is not empty")
	}
}

func TestNoInstanceOutlivesAKilledDaemon(t *testing.T) {
	cases := map[string][]string{
		"a service":                          nil,
		"a paused service":                   {"HOLD_PAUSED=1"},
		"a foreign command and its children": {`HOLD_COMMAND=sh -c sleep${IFS}300&sleep${IFS}300`},
	}
	for name, env := range cases {
		t.Run(name, func(t *testing.T) {
			holder := exec.Command(os.Args[0], "holder")
			holder.Env = append(os.Environ(), env...)
			out, err := holder.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := holder.Start(); err != nil {
				t.Fatal(err)
			}
			var pgid int
			if _, err := fmt.Fscan(out, &pgid); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(-pgid, 0); err != nil {
				t.Fatalf("the instance does not run: %v", err)
			}
			_ = holder.Process.Kill()
			_ = holder.Wait()
			for deadline := time.Now().Add(30 * time.Second); groupLives(pgid); {
				if time.Now().After(deadline) {
					_ = syscall.Kill(-pgid, syscall.SIGKILL)
					t.Fatal("the group outlived its daemon")
				}
			}
		})
	}
}
