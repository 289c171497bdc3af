package humanize

import (
	"testing"
	"time"
)

func TestDurationKeepsTheDigitsThatMatter(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                         "0ms",
		52 * time.Microsecond:     "52µs",
		310 * time.Microsecond:    "0.3ms",
		4230 * time.Microsecond:   "4.2ms",
		9960 * time.Microsecond:   "10ms",
		48 * time.Millisecond:     "48ms",
		999600 * time.Microsecond: "1.0s",
		2910 * time.Millisecond:   "2.9s",
		9960 * time.Millisecond:   "10s",
		45 * time.Second:          "45s",
		59700 * time.Millisecond:  "1m0s",
		192 * time.Second:         "3m12s",
		125 * time.Minute:         "2h5m",
		96 * time.Hour:            "4d",
		-48 * time.Millisecond:    "-48ms",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d ns) = %q, want %q", d, got, want)
		}
	}
	if got := Millis(4.23); got != "4.2ms" {
		t.Errorf("Millis(4.23) = %q", got)
	}
}

func TestSpanLeavesZeroPartsOut(t *testing.T) {
	for d, want := range map[time.Duration]string{
		500 * time.Millisecond: "500ms", 90 * time.Second: "1m30s", 5 * time.Minute: "5m",
		time.Hour: "1h", 90 * time.Minute: "1h30m", 0: "0s", 10 * time.Minute: "10m",
	} {
		if got := Span(d); got != want {
			t.Errorf("Span(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestAgeIsKubectls(t *testing.T) {
	for d, want := range map[time.Duration]string{
		45 * time.Second: "45s", 119 * time.Second: "119s", 192 * time.Second: "3m12s",
		12 * time.Minute: "12m", 51 * time.Hour: "2d3h",
	} {
		if got := Age(d); got != want {
			t.Errorf("Age(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestPercentNeverRoundsToNothingOrAll(t *testing.T) {
	for ratio, want := range map[float64]string{
		0: "0%", 0.0004: "<0.1%", 0.004: "0.4%", 0.05: "5%", 0.085: "8.5%", 0.48: "48%", 0.9973: ">99%", 1: "100%",
	} {
		if got := Percent(ratio); got != want {
			t.Errorf("Percent(%v) = %q, want %q", ratio, got, want)
		}
	}
}

func TestRateAndCount(t *testing.T) {
	for perSecond, want := range map[float64]string{0.01: "<0.1", 0: "0", 0.42: "0.4", 3.14: "3.1", 9.96: "10", 46.4: "46"} {
		if got := Rate(perSecond); got != want {
			t.Errorf("Rate(%v) = %q, want %q", perSecond, got, want)
		}
	}
	for n, want := range map[int]string{0: "0 queries", 1: "1 query", 2: "2 queries"} {
		if got := Count(n, "query"); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
	for noun, want := range map[string]string{"fault": "faults", "match": "matches", "process": "processes", "day": "days", "y": "ys"} {
		if got := Plural(noun); got != want {
			t.Errorf("Plural(%q) = %q, want %q", noun, got, want)
		}
	}
}
