package orchestrator

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// Objects are what the shop should be: the single truth that an orchestrator brings about. On this machine that is a
// [store.Store]; on a cluster it is the API server.
type Objects interface {
	ObjectReader
	ObjectWatcher
	ObjectEditor
}

// ObjectReader reads the objects.
type ObjectReader interface {
	// Namespace is the shop's own, for objects and names without one.
	Namespace() string
	// Snapshot returns all objects as they are now. It does not wait for anything.
	Snapshot() store.Snapshot
}

// ObjectWatcher follows the objects.
type ObjectWatcher interface {
	// Watch returns a channel that has the newest snapshot whenever an object of one of the kinds (of any, if none is
	// given) has changed since the last receive; the present one is there at once. It is closed when ctx ends.
	Watch(ctx context.Context, kinds ...string) <-chan store.Snapshot
}

// ObjectEditor changes the objects. Each call changes all that it names or, with an error, nothing; with dryRun it only
// returns what would change. A context that has ended changes nothing; with one of store.WithCheck, every change is checked.
type ObjectEditor interface {
	// Apply merges manifests with the live objects, as kubectl apply does. namespace is for objects that name none;
	// empty: the shop's.
	Apply(ctx context.Context, manifests []resource.Manifest, namespace string, dryRun bool) (store.Result, error)
	// Replace replaces whole objects, or creates them.
	Replace(ctx context.Context, manifests []resource.Manifest, namespace string, expect store.Expect, dryRun bool) (store.Result, error)
	// EditDeployments changes Deployments in place.
	EditDeployments(ctx context.Context, keys []resource.Key, dryRun bool, edit func(*appsv1.Deployment) error) ([]store.Change, error)
	// EditObjects changes objects of any kind in place.
	EditObjects(ctx context.Context, keys []resource.Key, dryRun bool, edit func(resource.Object) error) ([]store.Change, error)
	// Delete removes objects, and with a namespace everything in it. A missing one is a *store.NotFoundError.
	Delete(ctx context.Context, keys []resource.Key, dryRun bool) ([]store.Change, error)
}

var _ Objects = (*store.Store)(nil)
