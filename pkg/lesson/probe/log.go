package probe

import (
	"time"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Log looks for a line that a service wrote since the step began.
type Log struct {
	At       strictyaml.Position
	Service  string  `yaml:"service" lesson:"required"`
	Contains Strings `yaml:"contains"`
	Matches  Pattern `yaml:"matches"`
	Level    string  `yaml:"level"`
	// AtLeast is how many such lines there must be; default 1.
	AtLeast int `yaml:"at_least"`
}

// Validate implements Probe.
func (l *Log) Validate(report Report) {
	if l.Service == "" || len(l.Contains) == 0 && l.Matches.Regexp == nil {
		report(l.At, "a log check names a service, and contains or matches")
	}
}

// ProbeKind implements Probe.
func (*Log) ProbeKind() string { return "log" }

// NamedServices implements Probe.
func (l *Log) NamedServices() []Named { return []Named{{l.Service, l.At}} }

// Lookback implements Probe.
func (*Log) Lookback() time.Duration { return 0 }

// Triggers implements Probe.
func (*Log) Triggers() Event { return LineWritten }
