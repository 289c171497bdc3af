package control

import (
	"testing"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestAModuleIsFoundByEitherNameUnlessAServiceHasIt(t *testing.T) {
	mono := &controlpb.Service{Name: "monolith", Workload: "monolith", Modules: []*controlpb.Module{
		{Name: "cart", Workload: "cartservice"}, {Name: "ad", Workload: "adservice"},
	}}
	all := []*controlpb.Service{mono, {Name: "ad", Workload: "adservice"}}
	for word, want := range map[string]string{"cart": "cart", "CartService": "cart", "ad": "", "monolith": "", "email": ""} {
		s, m := FindModule(all, word)
		if m.GetName() != want || (s == mono) != (want != "") {
			t.Errorf("%s: %v of %v, want %q", word, m, s, want)
		}
	}
}
