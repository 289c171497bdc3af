package explain

import (
	"time"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/mesh/show"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/istio"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// Shop is a Source: the objects of a shop and what its sidecars hold, as they are at one time.
type Shop struct {
	Objects store.Snapshot
	// Held are the resources of a sidecar by its node id; nil if they are not known.
	Held func(node string) *xds.Resources
}

var _ Source = Shop{}

// Resources implements Source.
func (s Shop) Resources(node string) *xds.Resources { return s.Held(node) }

// VirtualService implements Source.
func (s Shop) VirtualService(namespace, name string) *networking.VirtualService {
	o, err := s.Objects.Get(resource.Key{Kind: resource.KindVirtualService, Namespace: namespace, Name: name})
	if err != nil {
		return nil
	}
	if vs, ok := o.(*istio.VirtualService); ok {
		return vs.Spec.Message()
	}
	return nil
}

// Position implements Source.
func (s Shop) Position(o show.Object, path string) string { return s.Objects.Source(keyOf(o)).At(path) }

// Changed implements Source.
func (s Shop) Changed(o show.Object) time.Time { return s.Objects.Changed(keyOf(o)) }

func keyOf(o show.Object) resource.Key {
	return resource.Key{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}
