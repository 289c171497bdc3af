package daemon

import (
	"fmt"
	"path/filepath"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// Configured returns the objects that a stopped shop would start with: the built-in ones, and what earlier runs made of them.
// namespace is that of the shop, empty for the default one.
func Configured(dir rundir.Dir, namespace string, asMonolith bool) ([]resource.Object, error) {
	defaults, file := builtins, rundir.ObjectsName
	if asMonolith {
		defaults, file = monolith, rundir.MonolithObjectsName
	}
	manifests, err := defaults()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir.State, file)
	objects, err := store.Open(store.Config{Path: path, Namespace: namespace, Defaults: manifests})
	if err != nil {
		return nil, control.WithHint(fmt.Errorf("read the objects of shop %q: %w", dir.Name, err), "start it, and export then: shopctl up", 0)
	}
	var all []resource.Object
	for _, kind := range resource.Kinds() {
		all = append(all, objects.Snapshot().List(kind.Name, "")...)
	}
	return all, nil
}
