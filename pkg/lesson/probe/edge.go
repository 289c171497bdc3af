package probe

import (
	"cmp"
	"time"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Edge bounds the calls from one service to another, as the map shows them.
type Edge struct {
	At     strictyaml.Position
	Caller string `yaml:"caller" lesson:"required"`
	Callee string `yaml:"callee" lesson:"required"`
	// Window is the period of rates and quantiles; default 30 s.
	Window time.Duration `yaml:"window"`
	// Requests is the minimum number of calls behind the figures; default 1. With fewer, the check is inconclusive.
	Requests int `yaml:"requests"`
	// Rate is in calls a second, Errors a ratio from 0 to 1.
	Rate   *Bound  `yaml:"rate"`
	Errors *Bound  `yaml:"errors"`
	P50    *Within `yaml:"p50"`
	P95    *Within `yaml:"p95"`
	P99    *Within `yaml:"p99"`
	// Failure is a status with which some calls fail: UNAVAILABLE.
	Failure string `yaml:"failure"`
	// Absent requires that there are no calls.
	Absent bool `yaml:"absent"`
}

// Validate implements Probe.
func (e *Edge) Validate(report Report) {
	if e.Caller == "" || e.Callee == "" {
		report(e.At, "an edge names caller and callee")
	}
	asks := e.Rate != nil || e.Errors != nil || e.P50 != nil || e.P95 != nil || e.P99 != nil || e.Failure != ""
	if asks == e.Absent {
		report(e.At, "an edge has rate, errors, p50, p95, p99 or failure; or absent alone")
	}
	report.bounds(e.Rate, e.Errors)
}

// ProbeKind implements Probe.
func (*Edge) ProbeKind() string { return "edge" }

// NamedServices implements Probe.
func (e *Edge) NamedServices() []Named { return []Named{{e.Caller, e.At}, {e.Callee, e.At}} }

// Lookback implements Probe.
func (e *Edge) Lookback() time.Duration { return cmp.Or(e.Window, 30*time.Second) }

// Triggers implements Probe.
func (*Edge) Triggers() Event { return TraceEnded }
