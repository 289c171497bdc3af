package bench

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// BenchmarkMemory sums the proportional set size of everything that an idle shop runs. Goal: at most
// 250 MB, and at most 12 MB private for each service.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		settle()
		pss, most := s.memory()
		b.ReportMetric(most, "MB-private-max")
		if most > 12 {
			b.Errorf("a service has %.1f MB of private memory, and the goal is at most 12", most)
		}
		goal(b, pss, 250, "MB-pss")
	}
}

// BenchmarkMemoryUnderLoad is the same after a minute of 20 requests a second, when there are spans, metrics
// and logs to keep. Goal: at most 300 MB.
func BenchmarkMemoryUnderLoad(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		s.run("load", "start", "--rate", "20", "--seed", "42")
		time.Sleep(time.Minute)
		pss, most := s.memory()
		b.ReportMetric(most, "MB-private-max")
		goal(b, pss, 300, "MB-pss")
	}
}

// memory sums the proportional set sizes of the shop's processes, and finds the service with the most
// private memory; in MB (10^6 bytes).
func (s *shop) memory() (pss, most float64) {
	for _, pid := range s.pids() {
		p, private := memory(pid)
		pss += p
		if pid != s.PID {
			most = max(most, private)
		}
	}
	return pss, most
}

// settle lets a shop come to rest; what is measured is rest.
func settle() { time.Sleep(5 * time.Second) }

// memory reads smaps_rollup in MB (10^6 bytes).
func memory(pid int) (pss, private float64) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0, 0
	}
	for line := range bytes.Lines(data) {
		f := strings.Fields(string(line))
		if len(f) != 3 {
			continue
		}
		kib, _ := strconv.ParseFloat(f[1], 64)
		switch f[0] {
		case "Pss:":
			pss += kib * 1024 / 1e6
		case "Private_Clean:", "Private_Dirty:":
			private += kib * 1024 / 1e6
		}
	}
	return pss, private
}

// BenchmarkIdle is the processor time of an idle shop, all that observes it included. Goal: at most 2 %
// of one core.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		goal(b, s.idle(), 2, "percent-of-a-core")
	}
}

// BenchmarkIdleDash is the same with the dashboard open on a terminal of 120 by 40.
func BenchmarkIdleDash(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		cmd := exec.Command(binary, "dash")
		cmd.Env = append(slices.DeleteFunc(slices.Clone(s.env), func(kv string) bool { return kv == "CI=true" }), "CI=", "TERM=xterm-256color")
		terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 120, Rows: 40})
		if err != nil {
			b.Fatal(err)
		}
		drawn := make(chan int64, 1)
		go func() {
			n, _ := io.Copy(io.Discard, terminal) // ends with the terminal
			drawn <- n
		}()
		s.viewer = cmd.Process.Pid
		percent := s.idle()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			b.Error(err)
		}
		_ = cmd.Wait() // a signal ended it
		_ = terminal.Close()
		if n := <-drawn; n < 1000 {
			b.Errorf("the dashboard drew %d bytes: it was not there", n)
		}
		goal(b, percent, 2, "percent-of-a-core")
	}
}

// idle returns the percentage of one core that a shop takes in which nothing happens, and nothing has for
// a while: one that has just come up is looked at every second, since much may happen then.
func (s *shop) idle() float64 {
	const awhile, window = 30 * time.Second, 30 * time.Second
	time.Sleep(awhile)
	before := s.cpu()
	time.Sleep(window)
	return 100 * (s.cpu() - before).Seconds() / window.Seconds()
}

// clockTick is USER_HZ, which is 100 on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// cpu is the processor time of all processes of the shop so far, and of who watches it.
func (s *shop) cpu() time.Duration {
	var ticks int
	pids := s.pids()
	if s.viewer != 0 {
		pids = append(pids, s.viewer)
	}
	for _, pid := range pids {
		data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			continue
		}
		f := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		ticks += user + system
	}
	return time.Duration(ticks) * clockTick
}
