package api

import (
	"context"
	_ "embed" // the gateway's manifest
	"errors"
	"fmt"
	"slices"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// gatewayManifest is what the shop's namespace gets as long as it is in the mesh.
//
//go:embed gateway.yaml
var gatewayManifest []byte

// JoinMesh labels namespaces so that their pods have sidecars, or have none. With the shop's own, the gateway comes and goes;
// what was changed of one that is there already stays. With dryRun it only returns what would change.
func JoinMesh(ctx context.Context, objects orchestrator.Objects, namespaces []string, on, dryRun bool) ([]store.Change, error) {
	var keys []resource.Key
	for _, name := range namespaces {
		keys = append(keys, resource.Key{Kind: resource.KindNamespace, Name: name})
	}
	changes, err := objects.EditObjects(ctx, keys, dryRun, func(o resource.Object) error { return resource.SetInjection(o, on) })
	if err != nil {
		return nil, fmt.Errorf("label namespaces for sidecars: %w", err)
	}
	if !slices.Contains(namespaces, objects.Namespace()) {
		return changes, nil
	}
	wanted, err := decode.Decode("mesh/gateway.yaml", gatewayManifest)
	if err != nil {
		return nil, fmt.Errorf("read manifest of the gateway: %w", err)
	}
	present, missing := gatewayObjects(objects, wanted)
	var more []store.Change
	switch {
	case on && len(missing) > 0:
		var result store.Result
		result, err = objects.Apply(ctx, missing, "", dryRun)
		more = result.Changes
	case !on && len(present) > 0:
		more, err = objects.Delete(ctx, present, dryRun)
	}
	if err != nil {
		return nil, fmt.Errorf("change the gateway of the mesh: %w", err)
	}
	return append(changes, more...), nil
}

// gatewayObjects are those of the gateway that there are, and the manifests of those that there are not.
func gatewayObjects(objects orchestrator.Objects, wanted []resource.Manifest) (present []resource.Key, missing []resource.Manifest) {
	snap := objects.Snapshot()
	for _, m := range wanted {
		key := resource.KeyOf(m.Object)
		key.Namespace = objects.Namespace()
		var unknown *store.NotFoundError
		if _, err := snap.Get(key); errors.As(err, &unknown) {
			missing = append(missing, m)
		} else {
			present = append(present, key)
		}
	}
	return present, missing
}
