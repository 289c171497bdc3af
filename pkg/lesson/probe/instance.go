package probe

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

// Command implements Probe.
func (*Instance) Command() string {
	return "shopctl ps"
}

// Evidence implements Probe.
func (i *Instance) Evidence() Evidence {
	return Evidence{Kind: InstanceEvidence, Service: i.Service}
}

// Ask implements Probe.
func (i *Instance) Ask(ctx context.Context, env Env, base Baseline) Result {
	var expected, observed []string
	ok := true
	note := func(matches bool, name, wants, is string) {
		ok = ok && matches
		expected = append(expected, name+" "+wants)
		observed = append(observed, name+" "+is)
	}
	s, err := env.service(ctx, i.Service)
	if err != nil {
		return Result{Verdict: Inconclusive, Expected: i.Service, Observed: err.Error()}
	}
	state := "absent"
	if s != nil {
		state = s.GetState()
	}
	if len(i.State) > 0 {
		note(slices.Contains(i.State, state), "state", strings.Join(i.State, " or "), state)
	}
	if i.Version != "" {
		note(s.GetVersion() == i.Version, "version", i.Version, s.GetVersion())
	}
	restarts := int(s.GetRestarts()) - base.Restarts[s.GetName()]
	for _, n := range []struct {
		name string
		want *int
		is   int
	}{
		{"replicas", i.Replicas, int(s.GetReplicas())},
		{"ready", i.Ready, int(s.GetReady())},
		{"restarts", i.Restarts, restarts},
		{"faults", i.Faults, len(s.GetFaults())},
	} {
		if n.want != nil {
			note(n.is == *n.want, n.name, fmt.Sprint(*n.want), fmt.Sprint(n.is))
		}
	}
	if len(expected) == 0 {
		note(s != nil, "state", "anything", state)
	}
	r := Result{Verdict: Fail, Expected: i.Service + ": " + strings.Join(expected, ", "), Observed: i.Service + ": " + strings.Join(observed, ", ")}
	if ok {
		r.Verdict = Pass
	}
	return r
}
