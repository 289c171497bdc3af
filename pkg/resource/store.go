package resource

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
)

// DefaultNamespace is where the shop lives unless told otherwise.
const DefaultNamespace = "production"

// Config is what a store needs to know.
type Config struct {
	// Path of the file that keeps what differs from Defaults; empty: nothing outlives the store.
	Path string
	// Namespace of objects that name none; empty: DefaultNamespace.
	Namespace string
	// Defaults are the shop's built-in objects. They count as applied from their manifests, so that a
	// later apply of another manifest replaces what they set.
	Defaults []Manifest
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// NewUID makes unique ids; nil: random UUIDs.
	NewUID func() types.UID
}

// Origin tells whose an object is.
type Origin string

// An object is the shop's own as long as it equals what the binary holds.
const (
	OriginDefault Origin = "default"
	OriginUser    Origin = "user"
)

// Store holds the objects. All methods are safe for concurrent use; readers never wait for the writer.
type Store struct {
	path      string
	namespace string
	now       func() time.Time
	newUID    func() types.UID
	// defaults by key: defaulted, without what the store itself fills in.
	defaults map[Key]Object

	write   sync.Mutex // held by the one writer
	current atomic.Pointer[state]

	watch    sync.Mutex
	watchers map[*watcher]struct{}
}

// Open reads the file, if there is one, and lays it over the defaults. An unreadable file is kept under
// another name and reported as a *CorruptError; opening again then begins with the defaults. Defaults that
// are invalid are reported as Problems.
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

// Namespace is where objects go that name none.
func (s *Store) Namespace() string { return s.namespace }

// Snapshot returns the store as it is now, which never changes.
func (s *Store) Snapshot() Snapshot { return Snapshot{s.current.Load()} }

// Get returns a copy of an object; the error is a *NotFoundError.
func (s *Store) Get(key Key) (Object, error) { return s.Snapshot().Get(key) }

// List returns copies of all objects of a kind in a namespace ("": in all), by namespace and name.
func (s *Store) List(kind, namespace string) []Object { return s.Snapshot().List(kind, namespace) }

// Origin tells whose an object is; "" if there is no such object.
func (s *Store) Origin(key Key) Origin {
	if e, ok := s.current.Load().objects[key]; ok {
		return e.origin
	}
	return ""
}

// Put stores complete objects, all or none: new ones, and such that replace what is there under the same key.
// They are given the shop's namespace if they have none, and defaults. What the store fills in (uid, creation
// time, status) is kept. The error is of type Problems if an object is invalid.
func (s *Store) Put(objects ...Object) ([]Change, error) {
	return s.commit(false, func(tx *transaction) error {
		var problems Problems
		for _, o := range objects {
			m, err := NewManifest(o)
			if err != nil {
				return err
			}
			if m, _, err = m.inNamespace(s.namespace); err != nil {
				return err
			}
			problems = append(problems, tx.put(m, m.Object)...)
		}
		return append(problems, tx.check()...).Err()
	})
}

// Update changes one object: change is given a copy of it and edits that in place. Nobody else changes the
// store meanwhile; change must not call the store.
func (s *Store) Update(key Key, change func(Object) error) (Change, error) {
	changes, err := s.UpdateAll([]Key{key}, false, change)
	if err != nil {
		return Change{}, err
	}
	return changes[0], nil
}

// UpdateAll changes several objects, all or none; with dryRun it only tells what would change.
func (s *Store) UpdateAll(keys []Key, dryRun bool, change func(Object) error) ([]Change, error) {
	return s.commit(dryRun, func(tx *transaction) error {
		var problems Problems
		for _, key := range keys {
			o, err := tx.get(key)
			if err != nil {
				return err
			}
			if err := change(o); err != nil {
				return fmt.Errorf("edit %s: %w", key, err)
			}
			if KeyOf(o) != key {
				return fmt.Errorf("edit %s: its name cannot change", key)
			}
			problems = append(problems, tx.put(Manifest{Object: o}, o)...)
		}
		return append(problems, tx.check()...).Err()
	})
}

// EditDeployments is UpdateAll for Deployments: Scale, Restart, Stop, Start and SetEnv fit in.
func (s *Store) EditDeployments(keys []Key, dryRun bool, edit func(*appsv1.Deployment) error) ([]Change, error) {
	return s.UpdateAll(keys, dryRun, func(o Object) error {
		d, ok := o.(*appsv1.Deployment)
		if !ok {
			return errors.New("it is not a Deployment")
		}
		return edit(d)
	})
}

// UpdateStatus sets the status of a Deployment. It is what is, not what should be: it is not kept in the file,
// and does not make the object the user's. Setting what is set already does nothing.
func (s *Store) UpdateStatus(key Key, status appsv1.DeploymentStatus) error {
	_, err := s.commit(false, func(tx *transaction) error { return tx.status(key, status) })
	return err
}

// Delete removes objects, all or none, and with a namespace everything in it; with dryRun it only tells what
// would go. A missing one is a *NotFoundError. The shop's own namespace stays.
func (s *Store) Delete(keys []Key, dryRun bool) ([]Change, error) {
	return s.commit(dryRun, func(tx *transaction) error {
		for _, key := range keys {
			if err := tx.delete(key); err != nil {
				return err
			}
		}
		return nil
	})
}

// Reset makes the shop what the binary holds: what the user added is deleted, what he changed or deleted is back.
func (s *Store) Reset() ([]Change, error) {
	return s.commit(false, func(tx *transaction) error {
		tx.reset()
		return nil
	})
}
