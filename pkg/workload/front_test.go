package workload

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

func TestTheServiceOfADeploymentsNameStandsForItElseTheFirst(t *testing.T) {
	for name, c := range map[string]struct {
		services []string
		want     int
	}{
		"none":         {nil, -1},
		"another":      {[]string{"a", "b"}, 0},
		"its own last": {[]string{"a", "shop"}, 1},
	} {
		var all []orchestrator.FrontService
		for _, s := range c.services {
			all = append(all, orchestrator.FrontService{Service: s})
		}
		if got := mainFront(all, "shop"); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
