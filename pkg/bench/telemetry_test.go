package bench

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// BenchmarkTraceVisible gets the home page in a trace of its own, and measures how long after the page the last of its
// spans is visible: the longest of 20.
func BenchmarkTraceVisible(b *testing.B) {
	for b.Loop() {
		s := startShop(b)
		c := s.control()
		longest := time.Duration(0)
		for range 20 {
			id := make([]byte, 16)
			if _, err := rand.Read(id); err != nil {
				b.Fatal(err)
			}
			longest = max(longest, visible(b, s, c, hex.EncodeToString(id)))
		}
		check(b, "trace visible", float64(longest.Milliseconds()))
	}
}

// visible gets a page in the trace with that id, and returns how long after it the last span could be seen.
func visible(b *testing.B, s *shop, c *control.Client, id string) time.Duration {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.URL, nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("traceparent", "00-"+id+"-00f067aa0ba902b7-01")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
	came := time.Now()
	spans, last := int32(0), time.Duration(0)
	for time.Since(came) < 700*time.Millisecond {
		list, err := c.ListTraces(b.Context(), &controlpb.ListTracesRequest{})
		if err != nil {
			b.Fatal(err)
		}
		for _, t := range list.GetTraces() {
			if t.GetTraceId() == id && t.GetSpans() != spans {
				spans, last = t.GetSpans(), time.Since(came)
			}
		}
	}
	if spans < 5 {
		b.Fatalf("trace %s has %d spans", id, spans)
	}
	return last
}

// control connects to the shop's daemon.
func (s *shop) control() *control.Client {
	s.b.Helper()
	dir, err := rundir.Resolve("default", func(key string) string {
		for _, kv := range slices.Backward(s.env) { // as in exec, the last one holds
			if value, ok := strings.CutPrefix(kv, key+"="); ok {
				return value
			}
		}
		return ""
	})
	if err != nil {
		s.b.Fatal(err)
	}
	c, err := control.Dial(dir)
	if err != nil {
		s.b.Fatal(err)
	}
	s.b.Cleanup(func() { _ = c.Close() })
	return c
}

// BenchmarkTelemetry orders from a shop whose services send spans, and from one whose services send none: the share of
// an order's processor time that spans take.
func BenchmarkTelemetry(b *testing.B) {
	for b.Loop() {
		silent, full := startShop(b), startShop(b)
		for _, name := range []string{"checkout", "cart", "catalog", "currency", "shipping", "payment", "email"} {
			silent.run("set", "env", name, "OTEL_SDK_DISABLED=true", "--wait")
		}
		silent.read()
		with, without := costs(b, full), costs(b, silent)
		var shares []float64
		for round := range rounds + 1 {
			off, on := without(), with()
			if round > 0 {
				shares = append(shares, 1-off.processor/on.processor)
			}
		}
		b.Logf("round by round: %.2f", shares)
		check(b, "telemetry", middle(shares))
	}
}
