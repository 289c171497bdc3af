package bench

import "testing"

// goal is a figure that must not exceed a limit.
type goal struct {
	name  string
	unit  string
	limit float64
	// seen is the range of results on slow and fast machines of two cores, where it is known: a limit within it would
	// prove nothing.
	seen string
}

// goals returns all of them.
func goals() []goal {
	return []goal{
		// In echoes: see costInEchoes. The original places an order in about 68 with its tracing off; the limit is that
		// divided by 1.2. A call with its spans costs 2 to 3, so that no page of 12 calls can cost 20.
		{"order", "echoes", 56, "47 to 50"},
		{"home page in dollars", "echoes", 28, "18 to 21"},
		{"home page in euros", "echoes", 55, "33 to 40"},
		// Of an order.
		{"telemetry", "share", 0.35, "0.18 to 0.33"},
		{"order in one process", "of-eleven", 0.75, "0.44 to 0.60"},

		{"up to the first order", "of-bare", 2.8, "2.7; on a busy machine up to 4.1"},
		{"version", "ms", 30, "18"},
		{"call", "of-grpcurl", 1, "0.95 to 1"},
		{"memory at rest", "MB", 250, "119 to 121"},
		{"memory under load", "MB", 300, "217 to 227"},
		{"private memory of a service", "MB", 12, "5.9 to 10.7"},
		{"processor at rest", "%-of-a-core", 2, "0.6 to 1.3"},
		{"processor at rest with dashboard", "%-of-a-core", 2, "1.4 to 1.9"},
		{"trace visible", "ms", 300, "216 to 241"},
		{"ingest", "us/span", 50, "1.6"},
		{"traces", "ms", 50, "2.7"},
		{"PromQL", "ms", 50, "40"},

		// With a sidecar beside every instance. An order is one alone, by its latency.
		{"memory at rest with sidecars", "MB", 260, "313 to 326; 323 on a quiet machine"},
		{"private memory of a sidecar under load", "MB", 12, "15.6 on a quiet machine, 17 on a busy one"},
		{"up to the first order with sidecars", "of-plain", 2.8, "2.2 on a quiet machine, 1.7 to 2.5 on a busy one"},
		{"order with sidecars", "of-plain", 1.6, "1.86 on a quiet machine"},

		// Of direct calls, and of other pairs of proxies in the same run.
		{"latency of two sidecars", "of-direct's", 3.5, "3.08 on a quiet machine, 4.6 to 6.9 on a busy one"},
		{"rate without sidecars", "of-sidecars'", 2.5, "2.56 on a quiet machine, 2.4 to 2.7 on a busy one"},
		{"frames beside grpc-go", "of-grpc-go's", 0.9, "0.62"},
		{"frames beside HAProxy", "of-HAProxy's", 1.25, "0.98"},
		{"sidecars beside ReverseProxy", "of-ReverseProxy's", 0.9, "0.82"},
	}
}

// check reports a figure, and fails the benchmark if it exceeds the goal of that name.
func check(b *testing.B, name string, got float64) {
	b.Helper()
	for _, g := range goals() {
		if g.name != name {
			continue
		}
		b.ReportMetric(got, g.unit)
		b.ReportMetric(g.limit, "goal")
		b.ReportMetric(0, "ns/op")
		if got > g.limit {
			b.Errorf("%s: %.2f %s, and the goal is at most %g (seen: %s)", name, got, g.unit, g.limit, g.seen)
		}
		return
	}
	b.Fatalf("there is no goal for %q", name)
}
