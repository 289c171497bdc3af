package setup_test

import (
	"testing"

	"github.com/shopctl/shopctl/services"
	"github.com/shopctl/shopctl/services/setup"
)

func TestEveryNamedWorkloadHasCodeAndAManifest(t *testing.T) {
	for _, b := range append(services.All(), services.Optional()...) {
		if setup.Of(b.Name) == nil {
			t.Errorf("%s has no code", b.Name)
		}
		if len(b.Manifest()) == 0 && b.Role == services.RoleService {
			t.Errorf("%s has no manifest", b.Name)
		}
	}
	if setup.Of("nope") != nil || setup.Of(services.MonolithName) != nil {
		t.Error("a name without code of its own has some")
	}
}
