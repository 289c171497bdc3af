package api

import (
	"slices"

	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// overlays are objects that hold in place of those that are stored, or beside them, and are stored nowhere.
type overlays interface{ Overlays() []resource.Object }

// objectList is a list of objects.
type objectList []resource.Object

// overlaid are the overlays that a request for objects of a kind asks for.
func (s *objectsServer) overlaid(req *controlpb.GetRequest, kind resource.Kind) objectList {
	if !req.GetOverlays() || s.overlays == nil {
		return nil
	}
	return slices.DeleteFunc(s.overlays.Overlays(), func(o resource.Object) bool { return resource.KeyOf(o).Kind != kind.Name })
}

// find returns the object with a key; nil if there is none.
func (l objectList) find(key resource.Key) resource.Object {
	for _, o := range l {
		if resource.KeyOf(o) == key {
			return o
		}
	}
	return nil
}

// list puts the objects of a namespace, or of all if it is empty, in place of stored ones, and the others behind them.
func (l objectList) list(stored []resource.Object, namespace string) []resource.Object {
	for _, o := range l {
		key := resource.KeyOf(o)
		at := slices.IndexFunc(stored, func(s resource.Object) bool { return resource.KeyOf(s) == key })
		switch {
		case at >= 0:
			stored[at] = o
		case namespace == "" || namespace == key.Namespace:
			stored = append(stored, o)
		}
	}
	return stored
}
