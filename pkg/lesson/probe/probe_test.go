package probe

import (
	"testing"
	"time"
)

func TestAProbeKnowsHowFarItLooksBack(t *testing.T) {
	for want, p := range map[time.Duration]Probe{
		30 * time.Second: &Edge{},
		10 * time.Second: &Edge{Window: 10 * time.Second},
		5 * time.Minute:  &PromQL{Expr: `rate(a[30s]) / rate(b[5m:1s])`},
		time.Minute:      &Alert{},
		0:                &RPC{},
	} {
		if got := p.Lookback(); got != want {
			t.Errorf("%s: %s, want %s", p.ProbeKind(), got, want)
		}
	}
}

func TestEveryProbeCanBeLookedAtByHand(t *testing.T) {
	for _, p := range All() {
		if p.Command() == "" || p.Evidence().Kind == "" {
			t.Errorf("%s: command %q, evidence %q", p.ProbeKind(), p.Command(), p.Evidence().Kind)
		}
	}
}
