package pane

import (
	"testing"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestTheDetailsOfAMonolithNameItsModulesAndTheirFaults(t *testing.T) {
	s := &controlpb.Service{Modules: []*controlpb.Module{{Name: "ad"}, {Name: "payment", Faults: []string{"+300ms 100%"}}}}
	if got := modulesOf(s); got != "ad, payment (+300ms 100%)" {
		t.Errorf("it says %q", got)
	}
	if got := modulesOf(&controlpb.Service{}); got != "" {
		t.Errorf("of a service that is none it says %q", got)
	}
}
