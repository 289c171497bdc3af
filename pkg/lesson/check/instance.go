package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// service finds a service by either of its names; nil if the shop has none such.
func (p Prober) service(ctx context.Context, name string) (*controlpb.Service, error) {
	st, err := p.Shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, fmt.Errorf("read the shop's state: %w", err)
	}
	for _, s := range st.GetServices() {
		if s.GetName() == name || s.GetWorkload() == name {
			return s, nil
		}
	}
	return nil, nil
}

// instanceAsker evaluates probe.Instance.
type instanceAsker struct{ *probe.Instance }

func (instanceAsker) command() string {
	return "shopctl ps"
}

func (a instanceAsker) evidence() Evidence {
	return Evidence{Kind: InstanceEvidence, Service: a.Service}
}

func (a instanceAsker) evaluate(ctx context.Context, p Prober, base Baseline) Result {
	want := a.Instance
	var expected, observed []string
	ok := true
	note := func(matches bool, name, wants, is string) {
		ok = ok && matches
		expected = append(expected, name+" "+wants)
		observed = append(observed, name+" "+is)
	}
	s, err := p.service(ctx, want.Service)
	if err != nil {
		return Result{Verdict: Inconclusive, Expected: want.Service, Observed: err.Error()}
	}
	state := "absent"
	if s != nil {
		state = s.GetState()
	}
	if len(want.State) > 0 {
		note(slices.Contains(want.State, state), "state", strings.Join(want.State, " or "), state)
	}
	if want.Version != "" {
		note(s.GetVersion() == want.Version, "version", want.Version, s.GetVersion())
	}
	restarts := int(s.GetRestarts()) - base.Restarts[s.GetName()]
	for _, n := range []struct {
		name string
		want *int
		is   int
	}{
		{"replicas", want.Replicas, int(s.GetReplicas())},
		{"ready", want.Ready, int(s.GetReady())},
		{"restarts", want.Restarts, restarts},
		{"faults", want.Faults, len(s.GetFaults())},
	} {
		if n.want != nil {
			note(n.is == *n.want, n.name, fmt.Sprint(*n.want), fmt.Sprint(n.is))
		}
	}
	if len(expected) == 0 {
		note(s != nil, "state", "anything", state)
	}
	r := Result{Verdict: Fail, Expected: want.Service + ": " + strings.Join(expected, ", "), Observed: want.Service + ": " + strings.Join(observed, ", ")}
	if ok {
		r.Verdict = Pass
	}
	return r
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
