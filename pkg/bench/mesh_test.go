package bench

import (
	"bytes"
	"os"
	"strconv"
	"testing"
	"time"
)

// BenchmarkMeshMemory sums the proportional set size of an idle shop in which every instance has a sidecar, and finds the sidecar
// with the most private memory after a minute of 20 requests a second.
func BenchmarkMeshMemory(b *testing.B) {
	for b.Loop() {
		s := startShop(b, "--mesh=on")
		time.Sleep(20 * time.Second) // by then all processes have given back what starting took
		pss, _ := s.memory()
		b.ReportMetric(pss, "MB-at-rest")
		b.Run("at rest", func(b *testing.B) { check(b, "memory at rest with sidecars", pss) })
		s.run("load", "start", "--rate", "20", "--seed", "42")
		time.Sleep(time.Minute)
		private := s.sidecars(b)
		b.Run("under load", func(b *testing.B) { check(b, "private memory of a sidecar under load", private) })
	}
}

// sidecars finds the sidecar with the most private memory, in MB.
func (s *shop) sidecars(b *testing.B) (largest float64) {
	b.Helper()
	n := 0
	for _, pid := range s.pids() {
		args, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		if err == nil && bytes.HasSuffix(args, []byte("\x00sidecar\x00run\x00")) {
			_, private := memory(pid)
			largest = max(largest, private)
			n++
		}
	}
	if n < 12 {
		b.Fatalf("the shop has %d sidecars: there is one for each instance", n)
	}
	return largest
}

// BenchmarkMeshUp compares the time from a built binary to the first order with and without sidecars, and the processor time
// that it takes, in turn.
func BenchmarkMeshUp(b *testing.B) {
	for b.Loop() {
		var took, used []float64
		for range rounds {
			with, withCPU := upAndBuy(b, "--mesh=on")
			without, withoutCPU := upAndBuy(b, "--mesh=off")
			b.Logf("to the first order: %v with sidecars (%v of processor time), %v without (%v)", with, withCPU, without, withoutCPU)
			took, used = append(took, float64(with)/float64(without)), append(used, float64(withCPU)/float64(withoutCPU))
		}
		b.ReportMetric(middle(used), "processor-with:without")
		check(b, "up to the first order with sidecars", middle(took))
	}
}

// upAndBuy starts a shop, places an order through the storefront, and stops the shop.
func upAndBuy(b *testing.B, mesh string) (took, used time.Duration) {
	b.Helper()
	s := newShop(b)
	start := time.Now()
	s.up(mesh)
	buy(b, s.URL)
	took, used = time.Since(start), s.cpu()
	s.down()
	return took, used
}

// BenchmarkMeshOrder compares the processor time of an order with and without sidecars, in turn.
func BenchmarkMeshOrder(b *testing.B) {
	for b.Loop() {
		with, without := startShop(b, "--mesh=on"), startShop(b, "--mesh=off")
		placeWith, placeWithout := costs(b, with), costs(b, without)
		var processor, latency []float64
		for round := range rounds + 1 {
			meshed, plain := placeWith(), placeWithout()
			if round == 0 {
				continue
			}
			processor = append(processor, meshed.processor/plain.processor)
			latency = append(latency, meshed.latency/plain.latency)
			b.Logf("with sidecars: %v, without: %v", meshed, plain)
		}
		b.ReportMetric(middle(processor), "processor-with:without")
		check(b, "order with sidecars", middle(latency))
	}
}
