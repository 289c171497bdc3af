package check

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

func TestEveryKindOfProbeHasAnAsker(t *testing.T) {
	for _, p := range probe.All() {
		a := askerOf(p)
		if a == nil {
			t.Errorf("askerOf does not list %s", p.ProbeKind())
			continue
		}
		if a.command() == "" || a.evidence().Kind == "" {
			t.Errorf("%s: command %q, evidence %q", p.ProbeKind(), a.command(), a.evidence().Kind)
		}
	}
}
