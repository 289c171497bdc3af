package bench

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// shop is a running shop in directories of its own.
type shop struct {
	b   *testing.B
	env []string
	// viewer is the process of a dashboard; 0 if there is none.
	viewer int

	PID  int    `json:"pid"`
	URL  string `json:"url"`
	List []struct {
		Name      string `json:"name"`
		Address   string `json:"address"`
		Instances []struct {
			PID         int    `json:"pid"`
			Address     string `json:"address"`
			MemoryBytes int64  `json:"memory_bytes"`
		} `json:"instances"`
		Modules []struct {
			Name string `json:"name"`
		} `json:"modules"`
	} `json:"services"`
}

// newShop returns a shop with directories of its own; up starts it.
func newShop(b *testing.B) *shop {
	b.Helper()
	dir := b.TempDir()
	return &shop{b: b, env: append(os.Environ(),
		"SHOPCTL_RUN_DIR="+filepath.Join(dir, "run"), "SHOPCTL_STATE_DIR="+filepath.Join(dir, "state"), "HOME="+dir, "CI=true", "SHOPCTL_RANDOM_PORTS=1")}
}

func startShop(b *testing.B, flags ...string) *shop {
	b.Helper()
	s := newShop(b)
	s.up(flags...)
	return s
}

func (s *shop) up(flags ...string) {
	s.b.Helper()
	s.run(append([]string{"up"}, flags...)...)
	s.b.Cleanup(s.down)
	s.read()
}

func (s *shop) read() {
	s.b.Helper()
	s.List = nil
	if err := json.Unmarshal(s.run("status", "-o", "json"), s); err != nil {
		s.b.Fatal(err)
	}
}

func (s *shop) down() { s.run("down", "-q") }

func (s *shop) run(args ...string) []byte {
	s.b.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = s.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.b.Fatalf("shopctl %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// addr is the address of the one instance of a service, or of the process that it is a module of.
func (s *shop) addr(name string) string {
	s.b.Helper()
	for _, svc := range s.List {
		held := svc.Name == name
		for _, m := range svc.Modules {
			held = held || m.Name == name
		}
		if held && len(svc.Instances) > 0 {
			return svc.Instances[0].Address
		}
	}
	s.b.Fatalf("no instance of %s", name)
	return ""
}

// pids are the daemon, its instances, and everything below them.
func (s *shop) pids() []int { return tree(s.PID) }

// tree is a process and everything below it.
func tree(pid int) []int {
	pids := []int{pid}
	for i := 0; i < len(pids); i++ {
		data, err := os.ReadFile("/proc/" + strconv.Itoa(pids[i]) + "/task/" + strconv.Itoa(pids[i]) + "/children")
		if err != nil {
			continue
		}
		pids = append(pids, numbers(string(data))...)
		// Children are listed by the thread that forked them.
		tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(pids[i]) + "/task/*/children")
		for _, t := range tasks {
			data, err := os.ReadFile(t)
			if err != nil {
				continue
			}
			for _, n := range numbers(string(data)) {
				pids = appendNew(pids, n)
			}
		}
	}
	return pids
}

func numbers(s string) []int {
	var out []int
	for _, f := range strings.Fields(s) {
		if n, err := strconv.Atoi(f); err == nil {
			out = append(out, n)
		}
	}
	return out
}

func appendNew(list []int, n int) []int {
	for _, m := range list {
		if m == n {
			return list
		}
	}
	return append(list, n)
}

// dial is one plain gRPC connection.
func dial(b *testing.B, addr string) *grpc.ClientConn {
	b.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return conn
}

// calls makes calls of f from workers goroutines for d, or until f reports that there is nothing more, and returns
// their number.
func calls(b *testing.B, workers int, d time.Duration, f func(worker int) (more bool, err error)) int64 {
	b.Helper()
	var made atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for w := range workers {
		all.Go(func() {
			for time.Since(start) < d {
				more, err := f(w)
				if err != nil {
					b.Error(err)
					return
				}
				if !more {
					return
				}
				made.Add(1)
			}
		})
	}
	all.Wait()
	return made.Load()
}

// echoServer is the baseline: a bare unary method in a process of its own.
type echoServer struct {
	client pb.AdServiceClient
	pid    int
}

func startEcho(b *testing.B) *echoServer {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "BENCH_ECHO=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	line := make([]byte, 64)
	n, err := stdout.Read(line)
	if err != nil {
		b.Fatal(err)
	}
	return &echoServer{client: pb.NewAdServiceClient(dial(b, strings.TrimSpace(string(line[:n])))), pid: cmd.Process.Pid}
}
