package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shopctl/shopctl/pkg/resource"
)

// DefaultNamespace is the shop's namespace unless the configuration names another.
const DefaultNamespace = "production"

// Config configures a store.
type Config struct {
	// Path of the file that keeps the objects that differ from Defaults; empty: they are lost with the store.
	Path string
	// Namespace of objects that name none; empty: DefaultNamespace.
	Namespace string
	// Defaults are the shop's built-in objects. They count as applied from their manifests, so that a
	// later apply of another manifest replaces what they set.
	Defaults []resource.Manifest
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// NewUID makes unique ids; nil: random UUIDs.
	NewUID func() types.UID
}

// origin is whose an object is.
type origin string

// An object is the shop's own as long as it equals the one in the binary.
const (
	originDefault origin = "default"
	originUser    origin = "user"
)

// Store holds the objects. All methods are safe for concurrent use; readers never wait for the writer.
type Store struct {
	path      string
	namespace string
	now       func() time.Time
	newUID    func() types.UID
	// defaults by key: defaulted, without server-managed fields.
	defaults map[resource.Key]resource.Object

	write   sync.Mutex // held by the one writer
	current atomic.Pointer[state]

	watch    sync.Mutex
	watchers map[*watcher]struct{}
}

// Open reads the file, if there is one, and overrides the defaults with it. An unreadable file is renamed and
// reported as a *CorruptError; opening again then starts with the defaults. Invalid defaults are reported as
// resource.Problems.
func Open(cfg Config) (*Store, error) {
	s := &Store{
		path:      cfg.Path,
		namespace: cfg.Namespace,
		now:       cfg.Now,
		newUID:    cfg.NewUID,
		watchers:  map[*watcher]struct{}{},
	}
	if s.namespace == "" {
		s.namespace = DefaultNamespace
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.newUID == nil {
		s.newUID = randomUID
	}
	var err error
	if s.defaults, err = builtin(s.namespace, cfg.Defaults); err != nil {
		return nil, fmt.Errorf("load built-in objects: %w", err)
	}
	saved, err := load(s.path, s.now())
	if err != nil {
		return nil, err
	}
	s.current.Store(s.assemble(saved))
	return s, nil
}

// Namespace is the one of objects that name none.
func (s *Store) Namespace() string { return s.namespace }

// Snapshot returns the store as it is now, which never changes.
func (s *Store) Snapshot() Snapshot { return Snapshot{s.current.Load()} }

// Put stores complete objects, all or none; each replaces the one with the same key. Objects without a namespace
// get the shop's, and all get defaults. Server-managed fields (uid, creation time, status) are kept. The error is of
// type resource.Problems if an object is invalid.
func (s *Store) Put(ctx context.Context, objects ...resource.Object) ([]Change, error) {
	return s.commit(ctx, false, func(tx *transaction) error {
		var problems resource.Problems
		for _, o := range objects {
			m, err := resource.NewManifest(o)
			if err != nil {
				return err
			}
			m, k, err := m.InNamespace(s.namespace)
			if err != nil {
				return err
			}
			problems = append(problems, tx.put(m, k, m.Object)...)
		}
		return append(problems, tx.check()...).Err()
	})
}

// EditObjects changes several objects, all or none: change edits a copy of each in place and must not call the store.
// With dryRun it only returns what would change.
func (s *Store) EditObjects(ctx context.Context, keys []resource.Key, dryRun bool, change func(resource.Object) error) ([]Change, error) {
	return s.commit(ctx, dryRun, func(tx *transaction) error {
		var problems resource.Problems
		for _, key := range keys {
			o, err := tx.get(key)
			if err != nil {
				return err
			}
			if err := change(o); err != nil {
				return fmt.Errorf("edit %s: %w", key, err)
			}
			if resource.KeyOf(o) != key {
				return fmt.Errorf("edit %s: its name cannot change", key)
			}
			k, err := resource.KindOf(o)
			if err != nil {
				return err
			}
			problems = append(problems, tx.put(resource.Manifest{Object: o}, k, o)...)
		}
		return append(problems, tx.check()...).Err()
	})
}

// EditDeployments is EditObjects for Deployments, for edits such as resource.Scale and resource.Restart.
func (s *Store) EditDeployments(ctx context.Context, keys []resource.Key, dryRun bool, edit func(*appsv1.Deployment) error) ([]Change, error) {
	return s.EditObjects(ctx, keys, dryRun, func(o resource.Object) error {
		d, ok := o.(*appsv1.Deployment)
		if !ok {
			return errors.New("it is not a Deployment")
		}
		return edit(d)
	})
}

// UpdateStatus sets the status of a Deployment. A status is measured: it is not kept in the file and does not make
// the object the user's. Setting an equal one does nothing.
func (s *Store) UpdateStatus(ctx context.Context, key resource.Key, status appsv1.DeploymentStatus) error {
	_, err := s.commit(ctx, false, func(tx *transaction) error { return tx.status(key, status) })
	return err
}

// Delete removes objects, all or none, and with a namespace everything in it; with dryRun it only returns what
// would be removed. A missing one is a *NotFoundError. The shop's own namespace cannot be deleted.
func (s *Store) Delete(ctx context.Context, keys []resource.Key, dryRun bool) ([]Change, error) {
	return s.commit(ctx, dryRun, func(tx *transaction) error {
		for _, key := range keys {
			if err := tx.delete(key); err != nil {
				return err
			}
		}
		return nil
	})
}
