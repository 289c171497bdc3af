package daemon

import (
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/services"
)

// monolith are the objects of the shop in one process: the monolith's own, and those of what stays outside.
func monolith() ([]resource.Manifest, error) {
	all, err := decode.Decode("monolith.yaml", services.MonolithManifest)
	if err != nil {
		return nil, err
	}
	apart, err := builtins()
	if err != nil {
		return nil, err
	}
	for _, m := range apart {
		if b, ok := services.Lookup(m.Object.GetName()); !ok || !b.Module() {
			all = append(all, m)
		}
	}
	return all, nil
}
