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

// BenchmarkMemory sums the proportional set size of everything that an idle shop runs, and finds the service with the
// most private memory.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		settle()
		pss, largest := s.memory()
		check(b, "private memory of a service", largest)
		b.ReportMetric(largest, "MB-private-max")
		check(b, "memory at rest", pss)
	}
}

// BenchmarkMemoryUnderLoad is the same after a minute of 20 requests a second, when there are spans, metrics
// and logs to keep.
func BenchmarkMemoryUnderLoad(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		s.run("load", "start", "--rate", "20", "--seed", "42")
		time.Sleep(time.Minute)
		pss, largest := s.memory()
		b.ReportMetric(largest, "MB-private-max")
		check(b, "memory under load", pss)
	}
}

// memory sums the proportional set sizes of the shop's processes, and finds the service with the most
// private memory; in MB (10^6 bytes).
func (s *shop) memory() (pss, largest float64) {
	for _, pid := range s.pids() {
		p, private := memory(pid)
		pss += p
		if pid != s.PID {
			largest = max(largest, private)
		}
	}
	return pss, largest
}

// settle waits for a shop to come to rest.
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

// BenchmarkIdle is the processor time of an idle shop, with everything that observes it.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		check(b, "processor at rest", s.idle())
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
		check(b, "processor at rest with dashboard", percent)
	}
}

// idle returns the percentage of one core that a shop uses in which nothing has happened for a while: one that has just
// started is watched more closely.
func (s *shop) idle() float64 {
	const awhile, window = 30 * time.Second, 30 * time.Second
	time.Sleep(awhile)
	before := s.cpu()
	time.Sleep(window)
	return 100 * (s.cpu() - before).Seconds() / window.Seconds()
}
