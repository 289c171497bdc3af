package bench

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// newShop gives a shop a place; up starts it.
func newShop(b *testing.B) *shop {
	b.Helper()
	dir := b.TempDir()
	return &shop{b: b, env: append(os.Environ(),
		"SHOPCTL_RUN_DIR="+filepath.Join(dir, "run"), "SHOPCTL_STATE_DIR="+filepath.Join(dir, "state"), "HOME="+dir, "CI=true", "SHOPCTL_FREE_PORTS=1")}
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
func (s *shop) pids() []int {
	pids := []int{s.PID}
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

// rate calls f from workers goroutines for d, or until it says that there is no more, and returns
// calls per second.
func rate(b *testing.B, workers int, d time.Duration, f func(worker int) (more bool, err error)) float64 {
	b.Helper()
	var calls atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for w := range workers {
		wg.Go(func() {
			for time.Since(start) < d {
				more, err := f(w)
				if err != nil {
					b.Error(err)
					return
				}
				if !more {
					return
				}
				calls.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(calls.Load()) / time.Since(start).Seconds()
}

// echoServer is the baseline: a bare unary method in a process of its own.
type echoServer struct{ client pb.AdServiceClient }

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
	return &echoServer{pb.NewAdServiceClient(dial(b, strings.TrimSpace(string(line[:n]))))}
}

// rate is the best rate of a call over one connection, over 1 to 32 workers.
func (e *echoServer) rate(b *testing.B) float64 {
	b.Helper()
	best := 0.0
	for _, workers := range []int{1, 2, 4, 8, 16, 32} {
		best = max(best, rate(b, workers, 400*time.Millisecond, func(int) (bool, error) {
			_, err := e.client.GetAds(b.Context(), &pb.AdRequest{})
			return true, err
		}))
	}
	return best
}

// rounds is how often the baseline and what is measured take turns, so that a machine that is busy for a
// while does not decide the ratio.
const rounds = 5

// against measures f and the echo in turn, and reports the median of the ratios of the rounds, echo to f.
// A round before the first warms both up and does not count.
func against(b *testing.B, unit string, limit float64, f func() float64) {
	b.Helper()
	echo := startEcho(b)
	var echoes, rates, ratios []float64
	for round := range rounds + 1 {
		e, r := echo.rate(b), f()
		if round == 0 {
			continue
		}
		echoes, rates, ratios = append(echoes, e), append(rates, r), append(ratios, e/r)
	}
	b.ReportMetric(middle(echoes), "echo/s")
	b.ReportMetric(middle(rates), unit+"s/s")
	b.Logf("round by round: echoes %.0f/s, %ss %.0f/s, ratio %.1f", echoes, unit, rates, ratios)
	goal(b, middle(ratios), limit, "echo:"+unit)
}

func middle(x []float64) float64 {
	return slices.Sorted(slices.Values(x))[len(x)/2]
}
