package control

import (
	"strings"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// FindModule finds the service without a process of its own that a word means by either of its names, and
// the one that holds it. A service that has one comes first: then the module is nil.
func FindModule(all []*controlpb.Service, word string) (*controlpb.Service, *controlpb.Module) {
	for _, s := range all {
		if strings.EqualFold(s.GetName(), word) || strings.EqualFold(s.GetWorkload(), word) {
			return nil, nil
		}
	}
	for _, s := range all {
		for _, m := range s.GetModules() {
			if strings.EqualFold(m.GetName(), word) || strings.EqualFold(m.GetWorkload(), word) {
				return s, m
			}
		}
	}
	return nil, nil
}
