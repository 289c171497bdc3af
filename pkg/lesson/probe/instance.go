package probe

import (
	"time"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Instance compares the status of a service; what is not set is not compared.
type Instance struct {
	At       strictyaml.Position
	Service  string  `yaml:"service" lesson:"required"`
	State    Strings `yaml:"state"`
	Version  string  `yaml:"version"`
	Replicas *int    `yaml:"replicas"`
	Ready    *int    `yaml:"ready"`
	// Restarts counts since the step began.
	Restarts *int `yaml:"restarts"`
	Faults   *int `yaml:"faults"`
}

// Validate implements Probe.
func (i *Instance) Validate(report Report) {
	if i.Service == "" {
		report(i.At, "an instance check names a service")
	}
}

// ProbeKind implements Probe.
func (*Instance) ProbeKind() string { return "instance" }

// NamedServices implements Probe.
func (i *Instance) NamedServices() []Named { return []Named{{i.Service, i.At}} }

// Lookback implements Probe.
func (*Instance) Lookback() time.Duration { return 0 }

// Triggers implements Probe.
func (*Instance) Triggers() Event { return StateChanged }
