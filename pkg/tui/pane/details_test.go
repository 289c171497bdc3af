package pane

import (
	"testing"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestTheDetailsOfAMonolithNameItsModulesAndTheirFaults(t *testing.T) {
	s := &controlpb.Service{Modules: []*controlpb.Module{{Name: "ad"}, {Name: "payment", Faults: []string{"+300ms 100%"}}}}
	if got := modulesOf(s); got != "ad, payment (+300ms 100%)" {
		t.Errorf("the modules are %q", got)
	}
	if got := modulesOf(&controlpb.Service{}); got != "" {
		t.Errorf("without modules they are %q", got)
	}
}
