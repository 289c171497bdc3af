package bench

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkMemory sums the proportional set size of everything that an idle shop runs. Goal: at most
// 250 MB, and at most 12 MB private for each service.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		settle()
		var pss, most float64
		for _, pid := range s.pids() {
			p, private := memory(pid)
			pss += p
			if pid != s.PID {
				most = max(most, private)
			}
		}
		b.ReportMetric(most, "MB-private-max")
		if most > 12 {
			b.Errorf("a service has %.1f MB of private memory, and the goal is at most 12", most)
		}
		goal(b, pss, 250, "MB-pss")
	}
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

// BenchmarkIdle is the processor time of an idle shop. Goal: at most 1 % of one core.
func BenchmarkIdle(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		settle()
		const window = 20 * time.Second
		before := s.cpu()
		time.Sleep(window)
		goal(b, 100*(s.cpu()-before).Seconds()/window.Seconds(), 1, "percent-of-a-core")
	}
}

// clockTick is USER_HZ, which is 100 on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// cpu is the processor time of all processes of the shop so far.
func (s *shop) cpu() time.Duration {
	var ticks int
	for _, pid := range s.pids() {
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
