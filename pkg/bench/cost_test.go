package bench

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// rounds is how often the baseline and what is measured take turns, so that a machine that is busy for a while does
// not decide the ratio.
const rounds = 5

// costInEchoes measures the processor time of one operation, of all processes that take part, in echoes of the same
// run: the median of the rounds. Other work on the machine slows both, but is not counted in either. operate performs
// the operations of a round and returns their number. A round before the first warms everything up.
func costInEchoes(b *testing.B, s *shop, unit string, operate func() int64) float64 {
	b.Helper()
	echo := startEcho(b)
	var echoes, costs, ratios []float64
	byProcess := map[string]time.Duration{}
	for round := range rounds + 1 {
		e := echo.cost(b)
		before, all := s.cpuByProcess(), ownCPU()+s.cpu()
		n := operate()
		cost := microseconds(ownCPU()+s.cpu()-all) / float64(n)
		if round == 0 {
			continue
		}
		echoes, costs, ratios = append(echoes, e), append(costs, cost), append(ratios, cost/e)
		for name, used := range s.cpuByProcess() {
			byProcess[name] += used - before[name]
		}
	}
	b.ReportMetric(middle(echoes), "us/echo")
	b.ReportMetric(middle(costs), "us/"+unit)
	b.Logf("round by round: echoes %.1f us, %ss %.0f us, ratio %.1f", echoes, unit, costs, ratios)
	b.Logf("where the time of %ss goes:\n%s", unit, shares(byProcess))
	return middle(ratios)
}

// cost is the processor time of a call, of both ends, in microseconds: the least over 1 to 32 workers on one
// connection.
func (e *echoServer) cost(b *testing.B) float64 {
	b.Helper()
	least := math.Inf(1)
	for _, workers := range []int{1, 8, 32} {
		before := ownCPU() + cpuOf(e.pid)
		n := calls(b, workers, 800*time.Millisecond, func(int) (bool, error) {
			_, err := e.client.GetAds(b.Context(), &pb.AdRequest{})
			return true, err
		})
		least = min(least, microseconds(ownCPU()+cpuOf(e.pid)-before)/float64(n))
	}
	return least
}

// ownCPU is the processor time of this process so far: the clients of all calls.
func ownCPU() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// clockTick is USER_HZ, which is 100 on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// cpuOf is the processor time of a process so far.
func cpuOf(pid int) time.Duration {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * clockTick
}

// cpu is the processor time of all processes of the shop so far, and of its dashboard.
func (s *shop) cpu() time.Duration {
	var sum time.Duration
	for _, pid := range s.pids() {
		sum += cpuOf(pid)
	}
	if s.viewer != 0 {
		sum += cpuOf(s.viewer)
	}
	return sum
}

// shares describes how processor time is divided among processes.
func shares(byProcess map[string]time.Duration) string {
	var total time.Duration
	for _, used := range byProcess {
		total += used
	}
	var lines []string
	for name, used := range byProcess {
		if percent := 100 * float64(used) / float64(max(1, total)); percent >= 1 {
			lines = append(lines, fmt.Sprintf("%5.1f %% %s", percent, name))
		}
	}
	slices.Sort(lines)
	slices.Reverse(lines)
	return strings.Join(lines, "\n")
}

// cpuByProcess is the processor time so far of the client, of the daemon, and of each service with the programs that it
// runs, such as Redis.
func (s *shop) cpuByProcess() map[string]time.Duration {
	used := map[string]time.Duration{"client": ownCPU(), "daemon": cpuOf(s.PID)}
	for _, service := range s.List {
		for _, instance := range service.Instances {
			for _, pid := range tree(instance.PID) {
				used[service.Name] += cpuOf(pid)
			}
		}
	}
	return used
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func middle(x []float64) float64 {
	return slices.Sorted(slices.Values(x))[len(x)/2]
}
